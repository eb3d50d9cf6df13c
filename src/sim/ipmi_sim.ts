/**
 * Pretended BMCs that speak real IPMI: one process of OpenIPMI's ipmi_sim for each, with a server behind it whose faults
 * can be set while it runs (chassis.sh). What it does not have: NMI (it refuses that) and cipher suite 17.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { asCountermandError, type CountermandError, type ErrorCode, fail } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import type { OnOff } from '../core/power.ts';
import { openCancellation, sleep } from '../core/signals.ts';
import { type BmcAddress, findBmc } from '../drivers/ipmi/ipmitool/probe.ts';
import { type Chassis, type ChassisCommand, type ChassisFaults, openChassis } from './chassis.ts';
import { mustBeFree, ownAddress, takePort } from './loopback.ts';
import { takeAllSessions } from './sessions.ts';

/** What a simulator is like at first. Only the folder must be said. */
export interface IpmiSimOptions extends Partial<ChassisFaults> {
  /** A folder for its files; made if it does not exist. Not removed at the end. */
  readonly directory: string;
  /** Power state at first; on if not said. */
  readonly power?: OnOff;
  /** Where it listens; a loopback address and a port that no other program has, by default. */
  readonly address?: string;
  readonly port?: number;
  /** Its only user, an administrator, of at most 15 bytes: `admin` if not said. */
  readonly username?: string;
  /** At most 19 bytes: `secret` if not said. */
  readonly password?: string;
  /** The BMC key K_g, at most 19 bytes; none if not said. */
  readonly kgKey?: Buffer;
  /** Its GUID, 32 hexadecimal digits; the same for all if not said. */
  readonly guid?: string;
}

/** A simulator that runs. */
export interface IpmiSim extends Chassis {
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly pid: number;
  /** Resolves when the BMC has received `command` at least `times` times. Rejects at an abort, with its reason. */
  untilReceived(command: ChassisCommand, times: number, signal: AbortSignal): Promise<void>;
  /** Stops it without ending it (SIGSTOP): the BMC is silent, and what is sent to it waits in its socket. */
  suspend(): void;
  /** Lets it go on. */
  resume(): void;
  /** Takes all its sessions, for about 30 s: all logins are refused. */
  takeAllSessions(signal: AbortSignal): Promise<void>;
  /** Ends it, and all that it has under way. */
  stop(): Promise<void>;
}

/** Ends a start that hangs. On a busy system a hundred of them may start at a time. */
const START_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** What is seen of a simulator that has just been started. */
const STARTING: readonly ErrorCode[] = ['BMC_PORT_CLOSED', 'BMC_SILENT'];
/** setpriv's exit code for a program that does not exist. */
const NOT_FOUND = 127;

/**
 * Starts a simulator and resolves when it answers. It dies with this process.
 * @throws COMMAND_MISSING if ipmi_sim is not installed, LISTEN_FAILED if its port is in use, ARGUMENT_INVALID for names
 * and keys that it cannot have; rejects at an abort with its reason, and leaves no process then
 */
export async function startIpmiSim(options: IpmiSimOptions, clock: Clock, signal: AbortSignal): Promise<IpmiSim> {
  const { directory, power = 'power on', address = ownAddress(), username = 'admin', password = 'secret' } = options;
  if (options.port !== undefined) await mustBeFree(address, options.port);
  const port = options.port ?? (await takePort(address));
  makeFolder(join(directory, 'state'));
  const chassis = await openChassis(directory, power, options);
  await writeFile(join(directory, 'lan.conf'), lanConf({ ...options, address, port, username, password }), 'latin1');
  await writeFile(join(directory, 'bmc.emu'), BMC_EMU);

  const launched = await launch(directory);
  const { child } = launched;
  const stop = async (): Promise<void> => {
    killGroup(child);
    await launched.ended;
  };
  try {
    await untilItAnswers(launched, { host: address, port, name: `${address}:${port}` }, clock, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...chassis,
    async configure(faults) {
      await chassis.configure(faults);
      // A held order looks again.
      if (faults.holds === false) child.stdin?.write('\n');
    },
    address,
    port,
    username,
    password,
    pid: child.pid ?? 0,
    async untilReceived(command, times, until) {
      const count = async () => (await chassis.received()).filter((received) => received === command).length;
      while ((await count()) < times) await sleep(POLL_MS, clock, until);
    },
    suspend: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    takeAllSessions: (until) => takeAllSessions(address, port, clock, until),
    stop,
  };
}

/** A started process, and when and how it ends. */
interface Launched {
  readonly child: ChildProcess;
  /** Resolves with why it cannot be running any more. Never rejects. */
  readonly ended: Promise<CountermandError>;
}

/**
 * Starts ipmi_sim as the leader of a process group, which the shells of its chassis belong to. They share its input, which
 * stays open as long as this process lives.
 */
async function launch(directory: string): Promise<Launched> {
  const log = await open(join(directory, 'log'), 'w');
  const files = ['-c', 'lan.conf', '-f', 'bmc.emu', '-s', 'state', '-n'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ipmi_sim', ...files], {
    cwd: directory,
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
  });
  // One that has ended hears nothing more.
  child.stdin?.on('error', () => {});
  const ended = new Promise<CountermandError>((resolve) => {
    child.once('error', () => resolve(missing()));
    child.once('close', (code, signal) =>
      resolve(code === NOT_FOUND ? missing() : endedEarly(code ?? signal, directory)),
    );
  });
  await log.close();
  return { child, ended };
}

const missing = () =>
  fail('COMMAND_MISSING', 'a simulated BMC needs ipmi_sim and setpriv; on Debian: apt-get install openipmi util-linux');

const endedEarly = (how: string | number | null, directory: string) =>
  fail('INTERNAL', `ipmi_sim ended by itself (${how}); see ${join(directory, 'log')}`);

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing of it is left
  }
}

/** Resolves when it answers, rejects if it ends before. */
async function untilItAnswers({ ended }: Launched, bmc: BmcAddress, clock: Clock, signal: AbortSignal): Promise<void> {
  const cancellation = openCancellation([signal], {
    clock,
    afterMs: START_LIMIT_MS,
    what: `the start of ipmi_sim at ${bmc.name}`,
  });
  ended.then(cancellation.abort);
  try {
    while (!(await answers(bmc, clock, cancellation.signal))) await sleep(POLL_MS, clock, cancellation.signal);
  } finally {
    cancellation.end();
  }
}

/** False while the port is still closed, or it is too busy with its start to answer. */
async function answers(bmc: BmcAddress, clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await findBmc(bmc, clock, signal);
    return true;
  } catch (error) {
    if (STARTING.includes(asCountermandError(error).code)) return false;
    throw error;
  }
}

/** A BMC with one interface, which has one address, and one user. Without a guid it would have no IPMI 2.0. */
function lanConf(bmc: {
  address: string;
  port: number;
  username: string;
  password: string;
  kgKey?: Buffer;
  guid?: string;
}): string {
  return `name "bmc"
set_working_mc 0x20
startlan 1
  addr ${bmc.address} ${bmc.port}
  priv_limit admin
  guid ${bmc.guid ?? 'a123456789abcdefa123456789abcdef'}
  ${bmc.kgKey === undefined ? '' : `bmc_key ${quoted(bmc.kgKey, 19)}`}
endlan
chassis_control ". ./chassis.sh; chassis"
user 2 true ${quoted(Buffer.from(bmc.username), 15)} ${quoted(Buffer.from(bmc.password), 19)} admin 10 none md2 md5 straight
`;
}

/** Bytes as a string of the configuration file. ipmi_sim takes one byte less than IPMI has, and nothing that parts words. */
function quoted(bytes: Buffer, limit: number): string {
  const text = bytes.toString('latin1');
  if (bytes.length > limit || /["\\\s\0]/.test(text))
    throw fail(
      'ARGUMENT_INVALID',
      `ipmi_sim takes at most ${limit} bytes here, without blanks, quotes and backslashes`,
    );
  return `"${text}"`;
}

const BMC_EMU = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
`;

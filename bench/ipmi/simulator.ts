/** One process of ipmi_sim that pretends many BMCs: each is a management controller of its own with its own interface. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../src/core/errors.ts';

/** Even IPMB addresses from 20h to FEh: as many as one process can have. */
export const MOST_BMCS = 112;
const FIRST_IPMB = 0x20;

/** The properties of a simulator. */
export interface SimulatorOptions {
  /** A folder for its files; made if it does not exist. */
  readonly directory: string;
  /** Where its BMCs listen, at most 112 addresses, all on one port. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The compiled chassis module and its options, without the log. */
  readonly module: string;
  readonly moduleOptions: string;
}

/** A simulator that was started. */
export interface Simulator {
  readonly pid: number;
  readonly addresses: readonly string[];
  /** null while it runs; then why it does not, in the words of its log. */
  ending(): Promise<string | null>;
  /** What each BMC was ordered so far, by its address: `on`, `off`, `cycle`, `reset`, `nmi`, `soft_off`; with ! if refused. */
  orders(): Promise<ReadonlyMap<string, readonly string[]>>;
  kill(signal: 'SIGSTOP' | 'SIGCONT'): void;
  stop(): Promise<void>;
}

/** Starts one. It may take a moment until it answers. It dies with this process. @throws COMMAND_MISSING */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { directory, addresses } = options;
  await mkdir(join(directory, 'state'), { recursive: true });
  await writeFile(join(directory, 'lan.conf'), lanConf(options));
  await writeFile(join(directory, 'bmc.emu'), bmcEmu(addresses.length));
  const child = await launch(directory);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    pid: child.pid ?? 0,
    addresses,
    async ending() {
      const how = child.exitCode ?? child.signalCode;
      return how === null ? null : `${how}: ${(await readFile(join(directory, 'log'), 'utf8')).slice(-500).trim()}`;
    },
    orders: async () => ordersIn(await readFile(ordersLog(directory), 'utf8'), addresses),
    kill: (signal) => child.kill(signal),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const ordersLog = (directory: string): string => join(directory, 'orders');

async function launch(directory: string): Promise<ChildProcess> {
  const log = await open(join(directory, 'log'), 'w');
  const files = ['-c', 'lan.conf', '-f', 'bmc.emu', '-s', 'state', '-n'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ipmi_sim', ...files], {
    cwd: directory,
    stdio: ['ignore', log.fd, log.fd],
  });
  const started = once(child, 'spawn').catch((error: unknown) => {
    throw fail(
      'COMMAND_MISSING',
      'simulated BMCs need setpriv and ipmi_sim; see scripts/install-bench-peers.sh',
      error,
    );
  });
  await started.finally(() => log.close());
  return child;
}

const ipmbOf = (index: number): string => (FIRST_IPMB + 2 * index).toString(16);

/** What follows `set_working_mc` is said of that controller. Without a guid it would have no IPMI 2.0. */
function lanConf({ directory, addresses, port, username, password, module, moduleOptions }: SimulatorOptions): string {
  const head = `name "bmc"\nloadlib "${module}" "${moduleOptions} log=${ordersLog(directory)}"\n`;
  const controllers = addresses.map(
    (address, index) => `set_working_mc 0x${ipmbOf(index)}
startlan 1
  addr ${address} ${port}
  priv_limit admin
  guid a123456789abcdefa123456789abcdef
endlan
user 2 true "${username}" "${password}" admin 10 none md2 md5 straight
`,
  );
  return head + controllers.join('');
}

function bmcEmu(count: number): string {
  const controllers = Array.from({ length: count }, (_, index) => {
    const ipmb = `0x${ipmbOf(index)}`;
    return `mc_add ${ipmb} 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable ${ipmb}\n`;
  });
  return `mc_setbmc 0x${ipmbOf(0)}\n${controllers.join('')}`;
}

/** Lines of the chassis module's log, as `20 on`. */
function ordersIn(log: string, addresses: readonly string[]): Map<string, string[]> {
  const orders = new Map<string, string[]>(addresses.map((address) => [address, []]));
  for (const line of log.split('\n').filter(Boolean)) {
    const [ipmb = '', order = ''] = line.split(' ');
    const address = addresses[(Number.parseInt(ipmb, 16) - FIRST_IPMB) / 2];
    if (address !== undefined) orders.get(address)?.push(order);
  }
  return orders;
}

/**
 * A fleet of real BMCs to measure IPMI clients on: OpenIPMI's ipmi_sim, 112 BMCs in a process, with a chassis module of
 * ours that costs no process for each order (chassis_module.c). A thousand of them need 75 MB, and answer several times
 * as fast as any client asks.
 */
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock.ts';
import { asCountermandError, fail } from '../../src/core/errors.ts';
import type { OnOff } from '../../src/core/power.ts';
import { openCancellation, sleep } from '../../src/core/signals.ts';
import { findBmc } from '../../src/drivers/ipmi/ipmitool/probe.ts';
import { type AddressBlock, takeBlock } from './addresses.ts';
import { compile } from './compile.ts';
import { cpuMsOf } from './processes.ts';
import { MOST_BMCS, type Simulator, startSimulator } from './simulator.ts';

/** What a fleet is like. Its folder and how many BMCs there are must be said. */
export interface RealFleetOptions {
  /** An empty folder for its files. Not removed at the end. */
  readonly directory: string;
  readonly count: number;
  /** What the chassis are at first; on if not said. */
  readonly power?: OnOff;
  /** How long after a power on the status still says off; 0 if not said. */
  readonly onDelayMs?: number;
  /** How long an operating system takes to obey a soft power off; at once if not said. */
  readonly softOffDelayS?: number | 'never';
  /** How many BMCs `hang` can silence, spread over the fleet; none if not said. */
  readonly canHang?: number;
}

/** One BMC. */
export interface RealBmc {
  readonly address: string;
  readonly port: number;
  /** True for those that `hang` silences. */
  readonly canHang: boolean;
}

/** A fleet that runs. All its BMCs have the same user, an administrator; cipher suite 3 is the best that they know. */
export interface RealFleet {
  readonly bmcs: readonly RealBmc[];
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** All addresses in the words of ipmipower and powerman, as `127.130.0.[1-112]`, without the port. */
  readonly ranges: readonly string[];
  /** A loopback address of ours that no BMC has. */
  readonly spareAddress: string;
  /** Those that are not silenced. */
  answering(): readonly RealBmc[];
  /** Silences those that can hang, in whatever they are doing. What is sent to them waits, and is done after `recover`. */
  hang(): void;
  /** Lets them go on. */
  recover(): void;
  /** What each BMC was ordered so far, by its address: `on`, `off`, `cycle`, `reset`, `nmi`, `soft_off`; with ! if refused. */
  orders(): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The milliseconds of processor that all BMCs together have used. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

const USERNAME = 'admin';
const PASSWORD = 'secret';
/** Only ends what hangs. */
const START_LIMIT_MS = 120_000;
const POLL_MS = 20;
/** Asked at the same time at the start, so that no socket overflows. */
const PROBES = 64;

/**
 * Starts a fleet and resolves when all BMCs answer. It dies with this process.
 * @throws COMMAND_MISSING if ipmi_sim or the compiler is not there, LISTEN_FAILED if there are no addresses left; rejects at
 * an abort with its reason, and leaves no process then
 */
export async function startRealFleet(options: RealFleetOptions, clock: Clock, signal: AbortSignal): Promise<RealFleet> {
  const { directory, count } = options;
  await using cleaning = new AsyncDisposableStack();
  const block = await takeBlock();
  cleaning.defer(() => block.release());
  if (count > block.size) throw fail('ARGUMENT_INVALID', `a fleet has at most ${block.size} BMCs`);
  const bmcs = bmcsOf(block, options);
  const start = {
    directory,
    module: await compile('chassis_module', directory),
    moduleOptions: moduleOptions(options),
  };
  const firm = await startAll('firm', addressesOf(bmcs, false), block.port, start, cleaning);
  const hanging = await startAll('hanging', addressesOf(bmcs, true), block.port, start, cleaning);
  const simulators = [...firm, ...hanging];
  await untilAllAnswer(bmcs, simulators, clock, signal);
  return fleetOf({ bmcs, simulators, hanging, block }, cleaning.move());
}

function bmcsOf({ address, port }: AddressBlock, { count, canHang = 0 }: RealFleetOptions): RealBmc[] {
  const hangingBefore = (index: number): number => Math.floor((index * canHang) / count);
  return Array.from({ length: count }, (_, index) => ({
    address: address(index),
    port,
    canHang: hangingBefore(index + 1) > hangingBefore(index),
  }));
}

const addressesOf = (bmcs: readonly RealBmc[], canHang: boolean): string[] =>
  bmcs.filter((bmc) => bmc.canHang === canHang).map(({ address }) => address);

const moduleOptions = ({ power = 'power on', onDelayMs = 0, softOffDelayS = 0 }: RealFleetOptions): string =>
  `power=${power === 'power on' ? 'on' : 'off'} on_delay_ms=${onDelayMs} soft_delay_s=${softOffDelayS}`;

async function startAll(
  name: string,
  addresses: readonly string[],
  port: number,
  { directory, ...start }: { directory: string; module: string; moduleOptions: string },
  cleaning: AsyncDisposableStack,
): Promise<Simulator[]> {
  const simulators: Simulator[] = [];
  for (let at = 0; at < addresses.length; at += MOST_BMCS) {
    const simulator = await startSimulator({
      ...start,
      directory: join(directory, `${name}${simulators.length + 1}`),
      addresses: addresses.slice(at, at + MOST_BMCS),
      port,
      username: USERNAME,
      password: PASSWORD,
    });
    cleaning.defer(() => simulator.stop());
    simulators.push(simulator);
  }
  return simulators;
}

async function untilAllAnswer(
  bmcs: readonly RealBmc[],
  simulators: readonly Simulator[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const cancellation = openCancellation([signal], {
    clock,
    afterMs: START_LIMIT_MS,
    what: `the start of ${bmcs.length} BMCs`,
  });
  const waiting = bmcs.values();
  const probe = async (): Promise<void> => {
    for (const bmc of waiting)
      while (!(await answers(bmc, clock, cancellation.signal))) {
        await mustRun(simulators);
        await sleep(POLL_MS, clock, cancellation.signal);
      }
  };
  try {
    await Promise.all(Array.from({ length: PROBES }, probe));
  } finally {
    cancellation.end();
  }
}

async function mustRun(simulators: readonly Simulator[]): Promise<void> {
  for (const { addresses, ending } of simulators) {
    const how = await ending();
    if (how !== null) throw fail('INTERNAL', `ipmi_sim with ${addresses[0]} ended by itself: ${how}`);
  }
}

/** False while its port is closed, or it has much to do. */
async function answers({ address, port }: RealBmc, clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await findBmc({ host: address, port, name: `${address}:${port}` }, clock, signal);
    return true;
  } catch (error) {
    if (['BMC_PORT_CLOSED', 'BMC_SILENT'].includes(asCountermandError(error).code)) return false;
    throw error;
  }
}

interface Parts {
  readonly bmcs: readonly RealBmc[];
  readonly simulators: readonly Simulator[];
  readonly hanging: readonly Simulator[];
  readonly block: AddressBlock;
}

function fleetOf({ bmcs, simulators, hanging, block }: Parts, cleaning: AsyncDisposableStack): RealFleet {
  let isHung = false;
  const signalAll = (signal: 'SIGSTOP' | 'SIGCONT'): void => {
    isHung = signal === 'SIGSTOP';
    for (const simulator of hanging) simulator.kill(signal);
  };
  return {
    bmcs,
    port: block.port,
    username: USERNAME,
    password: PASSWORD,
    ranges: block.ranges(bmcs.length),
    spareAddress: block.spare,
    answering: () => (isHung ? bmcs.filter(({ canHang }) => !canHang) : bmcs),
    hang: () => signalAll('SIGSTOP'),
    recover: () => signalAll('SIGCONT'),
    async orders() {
      const all = await Promise.all(simulators.map((simulator) => simulator.orders()));
      return new Map(all.flatMap((orders) => [...orders]));
    },
    cpuMs: () => cpuMsOf(simulators.map(({ pid }) => pid)),
    stop: () => cleaning.disposeAsync(),
  };
}

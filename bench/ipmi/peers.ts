/**
 * What anybody could use instead of our own IPMI client: ipmitool, one process for each BMC, and ipmipower of FreeIPMI,
 * one process for all. Each function does one thing to the fleet once, and checks the result: all must be on when their
 * status is asked for. A third one is in powerman.ts.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnOff } from '../../src/core/power.ts';
import { answersIn, mustAnswer, sampleOf, WrongAnswers } from './answers.ts';
import type { Ground } from './ground.ts';
import type { Measured } from './measured.ts';
import type { RealFleet } from './real_fleet.ts';

/** How ipmitool is run. */
export interface IpmitoolOptions {
  /** Processes at once. */
  readonly parallel: number;
  /** How many BMCs are asked, spread over the fleet: all of them would take minutes. */
  readonly sample: number;
  /**
   * As it is, ipmitool reads a long list of enterprise numbers at each start, which is most of its time. `short` gives it
   * an almost empty one, as our driver does.
   */
  readonly numbers: 'stock' | 'short';
}

/** The power status of some BMCs, one ipmitool for each. Its memory is that of the largest process, times `parallel`. */
export async function ipmitoolStatus(options: IpmitoolOptions, ground: Ground): Promise<Measured> {
  const { fleet, folder, run } = ground;
  const what = `ipmitool, ${options.parallel} at once${options.numbers === 'short' ? ', short list of numbers' : ''}`;
  const bmcs = sampleOf(fleet.answering(), options.sample);
  const hosts = join(folder, 'hosts');
  await writeFile(hosts, bmcs.map(({ address }) => `${address}\n`).join(''));
  const parallel = ['xargs', '-a', hosts, '-P', String(options.parallel), '-I', 'HOST'];
  // Without -C it first asks for the cipher suites, which ipmi_sim does not answer: 10 s each.
  const how = ['-I', 'lanplus', '-C', '3', '-p', String(fleet.port), '-U', fleet.username, '-E'];
  const environment = { IPMI_PASSWORD: fleet.password, ...(await homeWith(options.numbers, folder)) };
  const metered = await run([...parallel, 'ipmitool', ...how, '-H', 'HOST', 'power', 'status'], environment);
  const said = metered.stdout.split('\n').filter((line) => line === 'Chassis Power is on').length;
  if (metered.exitCode !== 0 || said !== bmcs.length)
    throw new WrongAnswers(`${what}: only ${said} of ${bmcs.length} BMCs said 'on': ${metered.stderr.slice(0, 300)}`);
  const { wallMs, cpuMs, memoryMb } = metered;
  return { what, operations: said, wallMs, cpuMs, peakMemoryMb: memoryMb * options.parallel };
}

/** ipmitool prefers a list below $HOME to that of the system. */
async function homeWith(numbers: IpmitoolOptions['numbers'], folder: string): Promise<Record<string, string>> {
  const home = join(folder, `home_${numbers}`);
  const lists = join(home, '.local/usr/share/misc');
  await mkdir(lists, { recursive: true });
  if (numbers === 'short') await writeFile(join(lists, 'enterprise-numbers.txt'), '0\n  Reserved\n');
  return { HOME: home };
}

/** How many BMCs ipmipower works on at once; null is its own default: all. */
export type FanOut = number | null;

/** The power status of all BMCs by one run of ipmipower. */
export function ipmipowerStatus(fanOut: FanOut, ground: Ground): Promise<Measured> {
  return ipmipower('--stat', ['--stat'], 'on', fanOut, ground);
}

/** Switches all BMCs by one run of ipmipower, which waits until each status says so. The BMCs are then asked, unmeasured. */
export async function ipmipowerSwitch(target: OnOff, fanOut: FanOut, ground: Ground): Promise<Measured> {
  const word = wordOf(target);
  const order = [`--${word}`, `--wait-until-${word}`];
  const measured = await ipmipower(order.join(' '), order, 'ok', fanOut, ground);
  await mustAllBe(target, ground);
  return measured;
}

/** Resolves if all BMCs have this power state by their own word, asked by ipmipower. @throws WrongAnswers */
export async function mustAllBe(state: OnOff, ground: Ground): Promise<void> {
  await ipmipower('--stat', ['--stat'], wordOf(state), null, ground);
}

const wordOf = (state: OnOff): 'on' | 'off' => (state === 'power on' ? 'on' : 'off');

async function ipmipower(
  name: string,
  order: readonly string[],
  right: string,
  fanOut: FanOut,
  { fleet, run }: Ground,
): Promise<Measured> {
  const what = `ipmipower ${name}, ${fanOut === null ? 'all' : fanOut} at once`;
  const ranges = fleet.ranges.map((range) => `${range}:${fleet.port}`).join(',');
  const fan = fanOut === null ? [] : ['--fanout', String(fanOut)];
  const { stdout, stderr, wallMs, cpuMs, memoryMb } = await run([...ipmipowerAt(ranges, fleet), ...fan, ...order]);
  // One that ends before its time has said nothing of some, whatever it ends with.
  const operations = mustAnswer(`${what}${stderr && ` (${stderr.trim()})`}`, answersIn(stdout), right, fleet);
  return { what, operations, wallMs, cpuMs, peakMemoryMb: memoryMb };
}

/**
 * The words that begin every call of ipmipower. It would open a session with the highest privilege that there is, which
 * ipmi_sim refuses; the workaround makes it name one.
 */
export const ipmipowerAt = (ranges: string, { username, password }: RealFleet): string[] => [
  '/usr/sbin/ipmipower',
  ...['-D', 'LAN_2_0', '-I', '3', '-W', 'opensesspriv', '-h', ranges, '-u', username, '-p', password],
];

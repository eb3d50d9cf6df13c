/** What the measurements are made on: a real conductor process with its agent, and nodes with their BMCs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environment, environmentWith, startConductorProcess } from '../scripts/demo/conductor_process.ts';
import { type Client, withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import type { PowerTarget, PowerTask, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { type IpmiSim, startIpmiSim } from '../src/sim/ipmi_sim.ts';

/** A real BMC simulator, and the folder with the log of what it received. */
export interface Bmc {
  readonly sim: IpmiSim;
  readonly folder: string;
}

/** Where a BMC is, and who may log in. */
type Login = Pick<IpmiSim, 'address' | 'port' | 'username' | 'password'>;

/** Where one question is asked. */
export interface Fleet {
  readonly conductor: Client;
  /** HOST:PORT of the conductor. */
  readonly address: string;
  /** Of the process of the conductor, agent inside. */
  readonly pid: number;
  readonly signal: AbortSignal;
  /** The most memory that the conductor, with its agent, has had so far, in MB. */
  peakMemory(): Promise<number>;
  /** Enrols nodes with the driver `fake`, waits until they have been read, and answers their names. */
  enrolFake(count: number, settings?: Readonly<Record<string, string>>): Promise<string[]>;
  /** The same over real IPMI, with `settings` added to what the driver must know; the operating systems never stop. */
  enrolIpmi(count: number, settings?: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, Bmc>>;
}

/**
 * Starts a conductor for `measure`, and ends everything after it. `flags` are those of `countermand serve`.
 * @param how what is added to its environment, and the token that its callers show
 */
export async function withFleet<T>(
  flags: readonly string[],
  measure: (fleet: Fleet) => Promise<T>,
  signal: AbortSignal,
  { variables = {}, token = null }: { readonly variables?: Environment; readonly token?: string | null } = {},
): Promise<T> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const conductor = await startConductorProcess(
    ['--data', join(folder, 'data'), ...flags],
    environmentWith(variables),
    signal,
  );
  after.defer(() => conductor.stop());

  async function startBmc(name: string): Promise<Bmc> {
    const directory = join(folder, name);
    const sim = await startIpmiSim({ directory, softOffDelayS: 'never' }, systemClock, signal);
    after.defer(() => sim.stop());
    return { sim, folder: directory };
  }
  return await withConductor(
    { address: conductor.address, tls: null, token },
    (clients) => measure(fleetOf(clients, conductor, startBmc, signal)),
    { clock: systemClock, signal },
  );
}

/** What the driver `ipmi` must know of a simulated BMC. */
export const driverInfoOf = ({ address, port, username, password }: Login): Readonly<Record<string, string>> => ({
  ipmi_address: address,
  ipmi_port: String(port),
  ipmi_username: username,
  ipmi_password: password,
});

const ENROL_AT_ONCE = 50;

const names = (driver: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${driver}${index + 1}`);

function fleetOf(
  conductor: Client,
  { pid, address }: { readonly pid: number; readonly address: string },
  startBmc: (name: string) => Promise<Bmc>,
  signal: AbortSignal,
): Fleet {
  return {
    conductor,
    address,
    pid,
    signal,
    async peakMemory() {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    },
    async enrolFake(count, settings = {}) {
      const enrolled = names('fake', count);
      for (let at = 0; at < count; at += ENROL_AT_ONCE) {
        const part = enrolled.slice(at, at + ENROL_AT_ONCE);
        await Promise.all(part.map((name) => enrol(name, 'fake', { fake_address: name, ...settings }, conductor)));
      }
      return enrolled;
    },
    async enrolIpmi(count, settings = {}) {
      const bmcs = new Map<string, Bmc>();
      for (const name of names('ipmi', count)) {
        const bmc = await startBmc(name);
        await enrol(name, 'ipmi', { ...driverInfoOf(bmc.sim), ...settings }, conductor);
        bmcs.set(name, bmc);
      }
      return bmcs;
    },
  };
}

/** On a busy box a node may not be read at first. */
const MOST_READINGS = 10;

async function enrol(name: string, driver: string, driverInfo: Record<string, string>, { nodes }: Client) {
  await nodes.createNode({ name, driver, driverInfo });
  let reason = 'nothing was asked';
  for (let readings = 0; reason !== '' && readings < MOST_READINGS; readings += 1)
    for await (const answer of nodes.refreshNodes({ nodes: [name] })) reason = answer.reason;
  if (reason !== '') throw new Error(`${name} was not read: ${reason}`);
}

/** Gives an order and resolves with its task as soon as that is in `state`, or at rest. The watching goes on, unseen. */
export function orderUntil(
  node: string,
  target: PowerTarget,
  state: PowerTaskState,
  { conductor }: Pick<Fleet, 'conductor'>,
): { readonly reached: Promise<PowerTask>; readonly atRest: Promise<PowerTask> } {
  const reached = Promise.withResolvers<PowerTask>();
  const atRest = (async () => {
    let last: PowerTask | undefined;
    for await (const { task } of conductor.power.setPowerState({ node, target })) {
      last = task;
      if (task?.state === state) reached.resolve(task);
    }
    if (last === undefined) throw new Error(`no power task came for ${node}`);
    reached.resolve(last);
    return last;
  })();
  atRest.catch(reached.reject);
  return { reached: reached.promise, atRest };
}

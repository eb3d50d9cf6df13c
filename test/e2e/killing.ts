/** Who is killed, and what must be true afterwards. */
import type { ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { eventually } from '../counterparts/eventually.ts';
import { type Process, processesWith } from '../counterparts/processes.ts';
import { type NewSimBmc, newSimBmc, type TestedBmc } from '../counterparts/sim_bmc.ts';
import type { Event, Task } from './client.ts';
import type { House, HousePlan, Part } from './house.ts';
import { enrol, subscribe, untilAtRest, watchTask } from './orders.ts';
import { checkPlanTrail } from './plans.ts';
import { checkTrail, numbersOf } from './trail.ts';
import type { Watch } from './watching.ts';

/** Who is killed, in which kind of house. */
export interface Victim {
  readonly title: string;
  readonly apart: boolean;
  readonly part: Part;
  /** The agent dies. */
  readonly agentDies: boolean;
}

/** Every way to die. */
export const VICTIMS: readonly Victim[] = [
  { title: 'the conductor and the agent inside', apart: false, part: 'conductor', agentDies: true },
  { title: 'the agent', apart: true, part: 'agent', agentDies: true },
  { title: 'the conductor', apart: true, part: 'conductor', agentDies: false },
];

/** A lease that is waited for twice when an agent dies. A busy machine may miss it before: that harms nothing. */
export const LEASE_S = 5;

/** The house for a victim. The lease is short only where an agent dies: whoever lives on must not lose it meanwhile. */
export function houseFor({ apart, part }: Victim): HousePlan {
  return { apart, settings: part === 'agent' ? { agent_lease: LEASE_S } : {} };
}

/** A BMC in this process, which takes an NMI, enrolled as node `name`. */
export async function enrolSimBmc(
  t: ExecutionContext,
  { client }: Pick<House, 'client'>,
  name: string,
  options: NewSimBmc = {},
  more: DriverInfo = {},
): Promise<TestedBmc> {
  const tested = await newSimBmc(t, options);
  await enrol(client, name, 'ipmi', { ...tested.info, ...more });
  return tested;
}

/** Lets a BMC answer its first order, and nothing that comes later. */
export function fallSilentAfterAnOrder({ bmc }: TestedBmc): void {
  const receive = bmc.receive.bind(bmc);
  bmc.receive = (datagram) => {
    const answers = receive(datagram);
    if (bmc.received.some((command) => command !== 'status')) bmc.faults = { ...bmc.faults, silent: true };
    return answers;
  };
}

/** Lets it speak again. */
export function speakAgain({ bmc }: TestedBmc): void {
  bmc.receive = SimBmc.prototype.receive;
  bmc.faults = { ...bmc.faults, silent: false };
}

type Bmc = Pick<TestedBmc, 'address' | 'port'>;

/** The processes that speak to a BMC. */
export function speakersTo({ address, port }: Bmc): Promise<Process[]> {
  return processesWith('ipmitool', address, String(port));
}

/** Resolves when no session with these BMCs is used any more. */
export async function untilNoSessionAt(...bmcs: Bmc[]): Promise<void> {
  const speakers = async () => (await Promise.all(bmcs.map(speakersTo))).flat();
  await eventually('every ipmitool to be gone', async () => (await speakers()).length === 0);
}

/** Everything that happens in a house, told to a client that is interrupted and asks for the rest. */
export class Listener {
  readonly #house: Pick<House, 'client'>;
  #heard: Event[] = [];
  #watch: Watch<Event>;

  constructor(house: Pick<House, 'client'>) {
    this.#house = house;
    this.#watch = subscribe(house.client);
  }

  /** Stops listening, and begins again after the last event that was heard. */
  resume(): void {
    this.#heard = [...this.#heard, ...this.#watch.seen];
    this.#watch = subscribe(this.#house.client, (this.#heard.at(-1)?.sequence ?? 0) + 1);
  }

  /** All of these events were heard, and nothing twice. */
  async check(t: ExecutionContext, events: readonly Event[]): Promise<void> {
    const last = events.at(-1)?.sequence ?? 0;
    // All of it may have happened before the end of the last stream.
    if ((this.#heard.at(-1)?.sequence ?? 0) < last)
      await this.#watch.until('the last event', ({ sequence }) => sequence >= last);
    const heard = numbersOf([...this.#heard, ...this.#watch.seen]);
    t.deepEqual(
      heard.filter((sequence) => sequence <= last),
      numbersOf(events),
    );
  }
}

/** Resolves when all of these tasks are at rest. */
export function untilAllAtRest({ client }: House, tasks: readonly Pick<Task, 'uuid'>[]): Promise<Task[]> {
  return Promise.all(tasks.map(({ uuid }) => untilAtRest(watchTask(client, uuid))));
}

/** When all is at rest: the events of tasks and plans are complete, and the listener has heard them. */
export async function checkAll(t: ExecutionContext, { client }: House, listener: Listener): Promise<void> {
  await checkTrail(t, client);
  await listener.check(t, await checkPlanTrail(t, client));
}

/** Who is killed, and what must be true afterwards. */
import type { ExecutionContext } from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { type Process, processesWith } from '../counterparts/processes.ts';
import { newPyghmiBmc, type PyghmiBmc, type PyghmiBmcOptions } from '../counterparts/pyghmi.ts';
import type { Event, Task } from './client.ts';
import type { House, Part } from './house.ts';
import { enrol, subscribe, untilAtRest, watchTask } from './orders.ts';
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

/** Long enough for a busy system, short enough to wait twice for it. */
export const LEASE_S = 2.5;

/** A BMC that takes an NMI, enrolled as node `name`. */
export async function enrolPyghmi(
  t: ExecutionContext,
  { client }: House,
  name: string,
  options: PyghmiBmcOptions = {},
): Promise<PyghmiBmc> {
  const bmc = await newPyghmiBmc(t, options);
  const { address, port, username, password } = bmc;
  const info = { ipmi_address: address, ipmi_port: String(port), ipmi_username: username, ipmi_password: password };
  await enrol(client, name, 'ipmi', info);
  return bmc;
}

type Bmc = Pick<PyghmiBmc, 'address' | 'port'>;

/** The processes that speak to a BMC. */
export function speakersTo({ address, port }: Bmc): Promise<Process[]> {
  return processesWith('ipmitool', address, String(port));
}

/** Resolves when nobody speaks to these BMCs any more. */
export async function untilNobodySpeaksTo(...bmcs: Bmc[]): Promise<void> {
  const speakers = async () => (await Promise.all(bmcs.map(speakersTo))).flat();
  await eventually('every ipmitool to be gone', async () => (await speakers()).length === 0);
}

/** Everything that happens in a house, told to somebody who is interrupted and asks for the rest. */
export class Listener {
  readonly #house: House;
  #heard: Event[] = [];
  #watch: Watch<Event>;

  constructor(house: House) {
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
    await this.#watch.until('the last event', ({ sequence }) => sequence >= last);
    const heard = numbersOf([...this.#heard, ...this.#watch.seen]);
    t.deepEqual(
      heard.filter((sequence) => sequence <= last),
      numbersOf(events),
    );
  }
}

/** Waits until all of these tasks are at rest; then the events must be complete, and the listener have heard them. */
export async function untilAllAtRest(
  t: ExecutionContext,
  house: House,
  tasks: readonly Pick<Task, 'uuid'>[],
  listener: Listener,
): Promise<Task[]> {
  const rested = await Promise.all(tasks.map(({ uuid }) => untilAtRest(watchTask(house.client, uuid))));
  await listener.check(t, await checkTrail(t, house.client));
  return rested;
}

/** Events, printed: from a number or a time on, or only the last of them. */
import { asCountermandError, type ErrorCode } from '../../core/errors.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import { Event } from '../../gen/countermand/v1/notification.ts';
import { type Call, present } from '../shared/asking.ts';
import { eventLine } from './line.ts';
import { asText, eventData, planOfEvent, type Wanted } from './payload.ts';

/** Which events are printed. */
export interface WantedEvents {
  /** The first number; absent: from the oldest event. */
  readonly from: bigint | undefined;
  /** Instead of a number: only events of this time before now, in seconds. */
  readonly sinceS: number | undefined;
  /** Only the last of them. */
  readonly tail: number | undefined;
  readonly eventTypes: readonly string[] | undefined;
  readonly databaseId: string | undefined;
  /** Go on with what comes later. */
  readonly follow: boolean;
  /** Which of those; absent: all. */
  readonly isWanted?: ((event: Event) => boolean) | undefined;
}

/** Prints events until the present, or with `follow` until the abort. Resolves with how many it printed. */
export async function printEvents(wanted: WantedEvents, call: Call): Promise<number> {
  const { tail, follow, isWanted = () => true } = wanted;
  const print = openPrinter(call);
  let count = 0;
  if (tail === undefined) {
    const fromSequence = await beginning(wanted, call);
    for await (const event of subscribe(wanted, fromSequence, follow, call)) {
      if (!isWanted(event)) continue;
      await print(event);
      count += 1;
    }
    return count;
  }
  const { last, reached } = await readLast(wanted, tail, call);
  for (const event of last) await print(event);
  count = last.length;
  if (!follow) return count;
  for await (const event of subscribe(wanted, reached + 1n, true, call)) if (isWanted(event)) await print(event);
  return count;
}

/** The last of the events that are wanted, and how far was read: what is the last is known only at the present. What comes after it is printed as it comes. */
async function readLast(
  wanted: WantedEvents,
  tail: number,
  call: Call,
): Promise<{ readonly last: readonly Event[]; readonly reached: bigint }> {
  const { from, sinceS, eventTypes = [], isWanted = () => true } = wanted;
  const { newestSequence, oldestSequence } = await call.conductor.notifications.getNewestSequence({});
  const read = async (fromSequence: bigint) => {
    const last: Event[] = [];
    let reached = newestSequence;
    for await (const event of subscribe(wanted, fromSequence, false, call)) {
      if (event.sequence > reached) reached = event.sequence;
      if (!isWanted(event)) continue;
      last.push(event);
      if (last.length > tail) last.shift();
    }
    return { last, reached };
  };
  const areAll = from === undefined && sinceS === undefined && eventTypes.length === 0 && !wanted.isWanted;
  const near = newestSequence - BigInt(tail) + 1n;
  // There may be millions before. Where numbers are missing among the last, there are too few.
  const nearest = areAll && near > oldestSequence ? await read(near) : null;
  return nearest !== null && nearest.last.length === tail ? nearest : read(await beginning(wanted, call));
}

async function* subscribe(
  { eventTypes, databaseId }: WantedEvents,
  fromSequence: bigint,
  follow: boolean,
  { conductor }: Call,
): AsyncGenerator<Event> {
  const request = { fromSequence, eventTypes: [...(eventTypes ?? [])], stopAtPresent: !follow, databaseId };
  for await (const answer of conductor.notifications.subscribe(request)) yield present(answer.event, 'an event');
}

/** The number to begin with. */
async function beginning({ from, sinceS }: WantedEvents, call: Call): Promise<bigint> {
  if (sinceS === undefined) return from ?? 0n;
  const sinceMs = call.clock.now() - sinceS * 1000;
  const { newestSequence, oldestSequence } = await call.conductor.notifications.getNewestSequence({});
  // A conductor of an earlier version keeps all, and names no oldest.
  let first = oldestSequence > 0n ? oldestSequence : 1n;
  let beyond = newestSequence + 1n;
  // Events are numbered in the order of their times, so their first is found by halving.
  while (first < beyond) {
    const middle = (first + beyond) / 2n;
    const event = await eventAt(middle, call);
    if (event === null || (event.timestamp?.getTime() ?? 0) >= sinceMs) beyond = middle;
    else first = event.sequence + 1n;
  }
  return first;
}

/** The first event from a number on; null if there is none yet. */
async function eventAt(fromSequence: bigint, { conductor }: Call): Promise<Event | null> {
  for await (const answer of conductor.notifications.subscribe({ fromSequence, stopAtPresent: true }))
    return present(answer.event, 'an event');
  return null;
}

function openPrinter(call: Call): (event: Event) => Promise<void> {
  const { output } = call;
  const names = new Map<string, string>();
  return async (event) => {
    if (!output.json) await learnName(event, names, call);
    output.message(Event, event, () => eventLine(event, names, output.time));
  };
}

/** The plan of a name, or of a uuid: one that is not there any more has left its events. */
export async function findPlan(name: string, { conductor }: Call): Promise<Wanted> {
  const gone = onlyByUuid('ACTION_PLAN_NOT_FOUND', name, (actionPlan) => ({ actionPlan }));
  const answer = await conductor.plans.getActionPlan({ actionPlan: name, pageSize: 1 }).catch(gone);
  return present(answer.actionPlan, 'an action plan');
}

/** What is not found is known by its uuid all the same; a name that nothing bears is a slip. */
function onlyByUuid<T>(code: ErrorCode, name: string, answer: (wanted: Wanted) => T): (thrown: unknown) => T {
  return (thrown) => {
    if (asCountermandError(thrown).code === code && CANONICAL_UUID.test(name)) return answer({ uuid: name, name });
    throw thrown;
  };
}

/** An event of an action has its plan's uuid only; the name is asked for once. */
async function learnName(event: Event, names: Map<string, string>, call: Call): Promise<void> {
  const uuid = planOfEvent(event);
  if (uuid === '' || names.has(uuid)) return;
  const own = event.eventType.startsWith('action_plan.') ? asText(eventData(event).name) : '';
  names.set(uuid, own || (await findPlan(uuid, call)).name);
}

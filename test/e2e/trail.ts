/** What must be true of the events that were stored, whatever was killed on the way. */
import type { ExecutionContext } from 'ava';
import { isAbort, TARGET_TABLE, TARGETS } from '../../src/core/power.ts';
import { isAtRest } from '../../src/core/states.ts';
import { allEvents, allTasks, type Client, type Event, type Task } from './client.ts';

/** The numbers of the events. */
export function numbersOf(events: readonly Event[]): number[] {
  return events.map(({ sequence }) => sequence);
}

/** The events about one power task, without the state corrections, by the last word of their types. */
function phasesOf(task: Task, events: readonly Event[]): string[] {
  const own = events.filter(({ data }) => data.power_task?.uuid === task.uuid);
  return own.map(({ type }) => type.replace('baremetal.node.', ''));
}

function phasesExpected({ target, state }: Task): string[] {
  const known = TARGETS.find((candidate) => TARGET_TABLE[candidate].name === target);
  const kind = known && isAbort(known) ? 'power_abort' : 'power_set';
  return [`${kind}.start`, state === 'SUCCEEDED' ? `${kind}.end` : `${kind}.error`];
}

/**
 * Every power task is at rest and told by one start and one end or error, whose state is that of the task; the numbers
 * grow; no event is there twice.
 */
export async function checkTrail(t: ExecutionContext, client: Client): Promise<readonly Event[]> {
  const events = await allEvents(client);
  const tasks = await allTasks(client);
  const numbers = numbersOf(events);
  t.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
    'the numbers grow',
  );
  t.is(new Set(events.map(({ messageId }) => messageId)).size, events.length, 'no event is there twice');
  for (const task of tasks) {
    t.true(isAtRest(task.state), `${task.target} of ${task.nodeName} is ${task.state}`);
    t.deepEqual(phasesOf(task, events), phasesExpected(task), `the events of the ${task.target} of ${task.nodeName}`);
    const last = events.findLast(({ data }) => data.power_task?.uuid === task.uuid);
    t.is(last?.data.power_task?.state, task.state);
  }
  const known = new Set(tasks.map(({ uuid }) => uuid));
  for (const { data } of events) if (data.power_task) t.true(known.has(data.power_task.uuid));
  return events;
}

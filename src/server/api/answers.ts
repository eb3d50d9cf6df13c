/** Power tasks for answers, with what may be ordered about each. */
import type { PowerTask } from '../../gen/countermand/v1/power.ts';
import { driverOfTask, possibleWith } from '../power/possible.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { toPowerTask } from './wire.ts';

/** One power task for an answer. */
export async function answerTask(task: PowerTaskRow, { database }: Store): Promise<PowerTask> {
  return toPowerTask(task, possibleWith(task, await driverOfTask(task, database.read)));
}

/** Power tasks for an answer. */
export function answerTasks(tasks: readonly PowerTaskRow[], store: Store): Promise<PowerTask[]> {
  return Promise.all(tasks.map((task) => answerTask(task, store)));
}

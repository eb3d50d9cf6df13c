/**
 * What is written of power tasks, as data, and its writer. The writes of one decision follow one another in one transaction: each is
 * done on the rows as the one before has left them.
 */
import type { PowerTaskEvent } from '../../core/states.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import {
  annotatePowerTask,
  createPowerTask,
  type NewPowerTask,
  type PowerTaskPatch,
  type TaskAndNode,
  transition,
} from './transition.ts';

/** One write. */
export type TaskWrite =
  | {
      readonly kind: 'create';
      readonly event: 'order' | 'order_abort' | 'nothing_to_abort';
      readonly task: NewPowerTask;
      readonly node: Partial<NodeRow>;
    }
  | {
      readonly kind: 'move';
      readonly event: PowerTaskEvent;
      readonly taskUuid: string;
      readonly patch: PowerTaskPatch;
    }
  /** Tells at a task at rest what has become of it since. */
  | { readonly kind: 'annotate'; readonly taskUuid: string; readonly patch: Partial<PowerTaskRow> };

/** A node with power tasks of it: as a decision has found them, or as its writes have left them. */
export interface TasksOfNode {
  readonly node: NodeRow;
  readonly tasks: readonly PowerTaskRow[];
}

/** One of the tasks, with the node. */
export function taskOf({ node, tasks }: TasksOfNode, uuid: string): TaskAndNode {
  return { task: tasks.find((task) => task.uuid === uuid) as PowerTaskRow, node };
}

/**
 * Writes what was decided on these rows, in order.
 * @returns the rows as they now are, with those that were created
 * @throws OVERTAKEN if one of them is not that row any more, or is in a state that the move does not leave; the caller undoes the transaction
 */
export async function writeTasks(
  writes: readonly TaskWrite[],
  found: TasksOfNode,
  transaction: Transaction,
  store: Store,
): Promise<TasksOfNode> {
  let now = found;
  for (const write of writes) {
    const { task, node } = await writeTask(write, now, transaction, store);
    now = { node, tasks: [...now.tasks.filter(({ uuid }) => uuid !== task.uuid), task] };
  }
  return now;
}

async function writeTask(
  write: TaskWrite,
  now: TasksOfNode,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const { node } = now;
  if (write.kind === 'create') return createPowerTask(write.event, write.task, node, write.node, transaction, store);
  const at = taskOf(now, write.taskUuid);
  if (write.kind === 'annotate')
    return { task: await annotatePowerTask(at.task, write.patch, transaction, store), node };
  const moved = await transition(write.event, at, write.patch, transaction, store);
  if (moved === null) throw overtaken(`power task ${write.taskUuid}`);
  return moved;
}

/**
 * The only writer of power task states, and of what a node shows because of them. One call is one move of the state
 * table: the state, its patch, the node and the notifications, in the caller's transaction.
 */

import { isAbort, shownTarget } from '../../core/power.ts';
import { isAtRest, POWER_TASK_TABLE, type PowerTaskEvent, rowOf } from '../../core/states.ts';
import { announce } from '../events/announce.ts';
import { powerTaskAnnouncement } from '../events/notifications.ts';
import { provingGuidOf } from '../nodes/identity.ts';
import type { Cause } from '../nodes/model_changes.ts';
import { writeNode } from '../nodes/write.ts';
import { findAction, setBeforeImage } from '../store/actions.ts';
import { isAsWritten } from '../store/columns.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { findNodesByUuid, saveNode } from '../store/nodes.ts';
import { findPowerTasks, insertPowerTask, savePowerTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** What a new task is made of; the store adds states and stamps. */
export type NewPowerTask = Omit<
  PowerTaskRow,
  'state' | 'previousState' | 'revision' | 'createdAt' | 'updatedAt' | 'fence' | 'bmcKey' | 'bmcGuid'
>;

/** A task with its node: as they were found, or as a write has left them. */
export interface TaskAndNode {
  readonly task: PowerTaskRow;
  readonly node: NodeRow;
}

/** Tasks with their nodes, by the uuid of the task; those that do not exist are not there. */
export async function findTasksAndNodes(
  taskUuids: readonly string[],
  sql: Transaction['sql'],
): Promise<ReadonlyMap<string, TaskAndNode>> {
  const tasks = await findPowerTasks(taskUuids, sql);
  const nodes = await findNodesByUuid([...new Set(tasks.map(({ nodeUuid }) => nodeUuid))], sql);
  const found = new Map<string, TaskAndNode>();
  for (const task of tasks) {
    const node = nodes.get(task.nodeUuid);
    if (node) found.set(task.uuid, { task, node });
  }
  return found;
}

/** A task with its node, or null if there is no such task. */
export async function findTaskAndNode(taskUuid: string, sql: Transaction['sql']): Promise<TaskAndNode | null> {
  return (await findTasksAndNodes([taskUuid], sql)).get(taskUuid) ?? null;
}

/** What is patched beside the state. */
export interface PowerTaskPatch {
  readonly task?: Partial<PowerTaskRow>;
  readonly node?: Partial<NodeRow>;
}

/**
 * Writes a new task by one of the rows that create one.
 * @param node as it is in this transaction; an abort holds none, any other task holds it until it is at rest
 * @param patch of the node
 * @throws OVERTAKEN if the node is not that row any more; the caller undoes the transaction
 */
export async function createPowerTask(
  event: PowerTaskEvent,
  task: NewPowerTask,
  node: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const now = store.clock.now();
  const row: PowerTaskRow = {
    ...task,
    bmcKey: node.bmcKey,
    bmcGuid: provingGuidOf(node),
    state: rowOf(POWER_TASK_TABLE, event).to,
    previousState: null,
    fence: patch.fence ?? node.fence,
    revision: 1,
    createdAt: now,
    updatedAt: now,
  };
  await insertPowerTask(row, transaction);
  return follow(event, row, node, patch, transaction, store);
}

/**
 * Moves a task by one row of the state table, if it is in one of the row's from-states.
 * @param at the task and its node, as the move was decided on
 * @returns the task and its node as they now are, or null if the task is in another state, or is not that row any more: then
 *   nothing was written
 * @throws OVERTAKEN if the node is not that row any more; the caller undoes the transaction
 */
export async function transition(
  event: PowerTaskEvent,
  at: TaskAndNode,
  patch: PowerTaskPatch,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode | null> {
  const row = rowOf(POWER_TASK_TABLE, event);
  const { task: before, node } = at;
  if (!row.from.includes(before.state)) return null;
  const now = store.clock.now();
  // Nothing is watched for a task at rest; its node keeps what keeps it from being read.
  const rest = isAtRest(row.to) ? { endedAt: now, problem: null } : {};
  const moved = { state: row.to, previousState: before.state, updatedAt: now };
  const after = await savePowerTask(before, { ...patch.task, ...rest, ...moved }, transaction);
  if (after === null) return null;
  // Of a task that an action of a plan ordered: what a rollback goes back to is there before anything is sent.
  const action =
    after.actionUuid !== null && maySend(after) && !maySend(before)
      ? await findAction(after.actionUuid, transaction.sql)
      : null;
  if (action !== null) await setBeforeImage(action, { power_state: after.beforePowerState }, transaction);
  return follow(event, after, node, patch.node ?? {}, transaction, store);
}

/**
 * Writes what became of a task after it had come to rest. Its state, and when it ended, stay.
 * @param patch of what an abort says, and of the window
 * @throws OVERTAKEN if it is not that row any more; the caller undoes the transaction
 */
export async function annotatePowerTask(
  before: PowerTaskRow,
  patch: Partial<PowerTaskRow>,
  transaction: Transaction,
  store: Store,
): Promise<PowerTaskRow> {
  const written = { ...patch, updatedAt: store.clock.now() };
  const task = await savePowerTask(before, written, transaction);
  if (task === null) throw overtaken(`power task ${before.uuid}`);
  transaction.changed({ kind: 'task', task });
  return task;
}

function maySend({ sendingAt, beforePowerState }: PowerTaskRow): boolean {
  return sendingAt !== null && beforePowerState !== null;
}

/** What follows from a move: the node shows it, the notifications say it, the feed tells it. */
async function follow(
  event: PowerTaskEvent,
  task: PowerTaskRow,
  before: NodeRow,
  nodePatch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  // An abort never holds its node, so it shows nothing there: its task does.
  const show = isAbort(task.target) ? showOfAbort : showOnNode;
  const node = await show(task, before, nodePatch, transaction, store);
  const types = rowOf(POWER_TASK_TABLE, event).notifies;
  await announce(
    types.map((type) => powerTaskAnnouncement(type, task, node)),
    transaction,
    store,
  );
  transaction.changed({ kind: 'task', task });
  return { task, node };
}

async function showOnNode(
  task: PowerTaskRow,
  before: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const resting = isAtRest(task.state);
  const shown: Partial<NodeRow> = {
    ...patch,
    heldBy: resting ? null : task.uuid,
    targetPowerState: resting ? null : shownTarget(task.target, task.phase),
  };
  // Most moves between the first and the last show nothing new.
  if (isAsWritten(before, shown)) return before;
  return writeNode(before, shown, causeOf(task), transaction, store);
}

async function showOfAbort(
  task: PowerTaskRow,
  before: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  if (isAsWritten(before, patch)) return before;
  return writeNode(before, patch, causeOf(task), transaction, store);
}

/** An order of an action is its plan's doing. What takes it back is not. */
function causeOf({ uuid, target, reason, actionUuid, planUuid }: PowerTaskRow): Cause {
  const why = `power task ${uuid}, ${target}${reason === '' ? '' : `: ${reason}`}`;
  return { why, planUuid: actionUuid === null ? null : planUuid };
}

/** True unless another task has the node. What takes back an order that was given up holds no node, and gives way to what does. */
export function mayHandOver({ task, node }: TaskAndNode): boolean {
  return node.heldBy === (isAbort(task.target) ? null : task.uuid);
}

/**
 * Hands an unsettled task to an agent under a new fence, so that whoever had it before is not listened to any more.
 * @param at the task and its node, as the hand-over was decided on
 * @returns the task and its node as they now are, or null if another task has the node, or one of both was changed meanwhile
 * @throws OVERTAKEN if the task is not that row any more; the caller undoes the transaction
 */
export async function handOver(
  { task, node }: TaskAndNode,
  agentUuid: string,
  transaction: Transaction,
): Promise<TaskAndNode | null> {
  if (!mayHandOver({ task, node })) return null;
  const fence = node.fence + 1;
  const handedNode = await saveNode(node, { agentUuid, fence }, transaction);
  if (handedNode === null) return null;
  const handedTask = await savePowerTask(task, { fence }, transaction);
  if (handedTask === null) throw overtaken(`power task ${task.uuid}`);
  return { task: handedTask, node: handedNode };
}

/**
 * The only writer of power task states, and of what a node shows because of them. One call is one move of the state
 * table: the state, its patch, the node and the notifications, in the caller's transaction.
 */
import { fail } from '../../core/errors.ts';
import { isAbort, shownTarget } from '../../core/power.ts';
import { isAtRest, POWER_TASK_TABLE, type PowerTaskEvent, rowOf } from '../../core/states.ts';
import { powerTaskAnnouncement } from '../notifications.ts';
import { isAsWritten, newIn, patched } from './columns.ts';
import type { Transaction } from './database.ts';
import { announce } from './events.ts';
import { provingGuidOf } from './identity.ts';
import { findNode, getNode, writeNode } from './nodes.ts';
import { setBeforeImage } from './plan_images.ts';
import { findPowerTask, findRecall } from './power_tasks.ts';
import { type NodeRow, nodeCodec, type PowerTaskRow, powerTaskCodec } from './rows.ts';
import type { Store } from './store.ts';

/** What a new task is made of; the store adds states and stamps. */
export type NewPowerTask = Omit<
  PowerTaskRow,
  'state' | 'previousState' | 'revision' | 'createdAt' | 'updatedAt' | 'fence' | 'bmcKey' | 'bmcGuid'
>;

/** A task with its node, as one transaction leaves them. */
export interface Moved {
  readonly task: PowerTaskRow;
  readonly node: NodeRow;
}

/** What is patched beside the state. */
export interface PowerTaskPatch {
  readonly task?: Partial<PowerTaskRow>;
  readonly node?: Partial<NodeRow>;
}

/**
 * Writes a new task for a free node, which nobody else can take until it is at rest. The node's fence grows.
 * @returns null if another task holds the node, or one that is reached through the same BMC, or an order that was given up is
 *   being taken back, or there is no such node: then
 *   nothing was written
 */
export async function orderPowerTask(
  task: NewPowerTask,
  agentUuid: string | null,
  transaction: Transaction,
  store: Store,
): Promise<Moved | null> {
  const node = await findNode(task.nodeUuid, transaction.sql);
  if (node === null || node.heldBy !== null || (await heldThroughSameBmc(node, transaction))) return null;
  // Only a node that may still change can have its order taken back meanwhile.
  if (node.mayChangeUntil !== null && (await findRecall(node.uuid, transaction.sql)) !== null) return null;
  return createPowerTask('order', task, node, { agentUuid, fence: node.fence + 1 }, transaction, store);
}

/** The held node that is reached through the same BMC as this one, or null. */
export async function heldThroughSameBmc(node: NodeRow, { sql }: Pick<Transaction, 'sql'>): Promise<NodeRow | null> {
  if (node.sameBmcAs === null) return null;
  const { uuid, bmcPlace, zone } = node;
  const row = await sql('nodes')
    .where({ bmc_place: bmcPlace, zone })
    .whereNotNull('held_by')
    .whereNot({ uuid })
    .first();
  return row ? nodeCodec.decode(row) : null;
}

/** Writes a new abort by one of the rows that create one. An abort holds no node. */
export function recallPowerTask(
  event: 'recall' | 'recall_nothing',
  abort: NewPowerTask,
  node: NodeRow,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  return createPowerTask(event, abort, node, {}, transaction, store);
}

async function createPowerTask(
  event: PowerTaskEvent,
  task: NewPowerTask,
  node: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
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
  await transaction.direct.insert('power_tasks', [powerTaskCodec.encode(row)]);
  return follow(event, row, node, patch, transaction, store);
}

/**
 * Moves a task by one row of the state table, if it is in one of the row's from-states.
 * @returns the task and its node as they now are, or null if it was in another state: then nothing was written
 */
export async function transition(
  event: PowerTaskEvent,
  uuid: string,
  patch: PowerTaskPatch,
  transaction: Transaction,
  store: Store,
): Promise<Moved | null> {
  const row = rowOf(POWER_TASK_TABLE, event);
  const { sql, direct } = transaction;
  const before = await findPowerTask(uuid, sql);
  if (before === null || !row.from.includes(before.state)) return null;
  const now = store.clock.now();
  const { state: previousState, revision } = before;
  const moved = { state: row.to, previousState, updatedAt: now, revision: revision + 1 };
  // Nothing is watched for a task at rest; its node keeps what keeps it from being read.
  const rest = isAtRest(row.to) ? { endedAt: now, problem: null } : {};
  const written = { ...patch.task, ...rest, ...moved };
  const count = await direct.update('power_tasks', powerTaskCodec.encode(newIn(before, written)), { uuid, revision });
  if (count !== 1) throw fail('INTERNAL', `power task ${uuid} is not at revision ${revision} any more`);
  const after = patched(before, written);
  // Of a task that an action of a plan ordered: what a rollback goes back to is there before anything is sent.
  if (after.actionUuid !== null && maySend(after) && !maySend(before))
    await setBeforeImage(after.actionUuid, { power_state: after.beforePowerState }, transaction);
  const node = await getNode(before.nodeUuid, sql);
  return follow(event, after, node, patch.node ?? {}, transaction, store);
}

/**
 * Writes what became of a task after it had come to rest. Its state, and when it ended, stay.
 * @param patch of what an abort says, and of the window
 */
export async function annotatePowerTask(
  uuid: string,
  patch: Partial<PowerTaskRow>,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const before = await findPowerTask(uuid, transaction.sql);
  if (before === null) return;
  const { revision } = before;
  const written = { ...patch, updatedAt: store.clock.now(), revision: revision + 1 };
  await transaction.direct.update('power_tasks', powerTaskCodec.encode(newIn(before, written)), { uuid, revision });
  transaction.changed({ kind: 'task', task: patched(before, written) });
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
): Promise<Moved> {
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
  return writeNode(before, shown, { why: saidOf(task), actionUuid: task.actionUuid }, transaction, store);
}

async function showOfAbort(
  task: PowerTaskRow,
  before: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  if (isAsWritten(before, patch)) return before;
  return writeNode(before, patch, { why: saidOf(task), actionUuid: task.actionUuid }, transaction, store);
}

function saidOf({ uuid, target, reason }: PowerTaskRow): string {
  return `power task ${uuid}, ${target}${reason === '' ? '' : `: ${reason}`}`;
}

/**
 * Hands an unsettled task to an agent under a new fence, so that whoever had it before is not listened to any more.
 * @returns the task and its node, or null if the task is at rest
 */
export async function handOver(uuid: string, agentUuid: string, transaction: Transaction): Promise<Moved | null> {
  const { sql, keep } = transaction;
  const task = await findPowerTask(uuid, sql);
  const node = task && (await findNode(task.nodeUuid, sql));
  // What takes back an order that was given up holds no node, and gives way to what does.
  if (task === null || !node || node.heldBy !== (isAbort(task.target) ? null : uuid)) return null;
  const fence = node.fence + 1;
  await sql('nodes').where('uuid', node.uuid).update(nodeCodec.encode({ agentUuid, fence }));
  await sql('power_tasks').where('uuid', uuid).update(powerTaskCodec.encode({ fence }));
  const handed = { task: { ...task, fence }, node: { ...node, agentUuid, fence } };
  keep({ kind: 'node', node: handed.node, deleted: false });
  keep({ kind: 'task', task: handed.task });
  return handed;
}

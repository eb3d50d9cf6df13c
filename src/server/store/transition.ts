/**
 * The only writer of power task states, and of what a node shows because of them. One call is one move of the state
 * table: the state, its patch, the node and the notifications, in the caller's transaction.
 */
import { isAbort, shownTarget } from '../../core/power.ts';
import { isAtRest, POWER_TASK_TABLE, type PowerTaskEvent, rowOf } from '../../core/states.ts';
import { powerTaskAnnouncement } from '../notifications.ts';
import type { Transaction } from './database.ts';
import { announce } from './events.ts';
import { noteModelChanges } from './model_changes.ts';
import { type NodeRow, nodeCodec, type PowerTaskRow, powerTaskCodec } from './rows.ts';
import type { Store } from './store.ts';

/** What a new task is made of; the store adds states and stamps. */
export type NewPowerTask = Omit<
  PowerTaskRow,
  'state' | 'previousState' | 'revision' | 'createdAt' | 'updatedAt' | 'fence'
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
 * Takes a free node for a task to come: its fence grows, and nobody else can take it until the task is at rest.
 * @returns the node, or null if another task holds it or there is no such node
 */
export async function takeNode(
  nodeUuid: string,
  taskUuid: string,
  agentUuid: string | null,
  { sql }: Transaction,
): Promise<NodeRow | null> {
  const [row] = await sql('nodes')
    .where({ uuid: nodeUuid })
    .whereNull('held_by')
    .update({ held_by: taskUuid, agent_uuid: agentUuid, fence: sql.raw('fence + 1') })
    .returning('*');
  return row ? nodeCodec.decode(row) : null;
}

/** Writes a new task by one of the rows that create one. */
export async function createPowerTask(
  event: PowerTaskEvent,
  task: NewPowerTask,
  node: NodeRow,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  const now = store.clock.now();
  const row: PowerTaskRow = {
    ...task,
    state: rowOf(POWER_TASK_TABLE, event).to,
    previousState: null,
    fence: node.fence,
    revision: 1,
    createdAt: now,
    updatedAt: now,
  };
  await transaction.sql('power_tasks').insert(powerTaskCodec.encode(row));
  return follow(event, row, {}, transaction, store);
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
  const { sql } = transaction;
  const now = store.clock.now();
  const rest = isAtRest(row.to) ? { endedAt: now } : {};
  const [updated] = await sql('power_tasks')
    .where({ uuid })
    .whereIn('state', [...row.from])
    .update({
      ...powerTaskCodec.encode({ ...patch.task, ...rest, state: row.to, updatedAt: now }),
      previous_state: sql.ref('state'),
      revision: sql.raw('revision + 1'),
    })
    .returning('*');
  if (!updated) return null;
  const task = powerTaskCodec.decode(updated);
  return follow(event, task, patch.node ?? {}, transaction, store);
}

/** What follows from a move: the node shows it, the notifications say it, the feed tells it. */
async function follow(
  event: PowerTaskEvent,
  task: PowerTaskRow,
  nodePatch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  const node = await showOnNode(task, nodePatch, transaction, store);
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
  patch: Partial<NodeRow>,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const { sql } = transaction;
  const query = sql('nodes').where({ uuid: task.nodeUuid });
  // An abort never holds its node, so it shows nothing there: its task does.
  if (isAbort(task.target)) return nodeCodec.decode(await query.first());
  const resting = isAtRest(task.state);
  const shown: Partial<NodeRow> = {
    ...patch,
    heldBy: resting ? null : task.uuid,
    targetPowerState: resting ? null : shownTarget(task.target, task.phase),
    updatedAt: store.clock.now(),
  };
  const [row] = await query.update({ ...nodeCodec.encode(shown), revision: sql.raw('revision + 1') }).returning('*');
  const node = nodeCodec.decode(row);
  // A task changes no more of the cluster model than the power state, and the last good one is not written yet.
  await noteModelChanges(node, node, { why: saidOf(task), actionUuid: task.requestId }, transaction, store);
  transaction.changed({ kind: 'node', node, deleted: false });
  return node;
}

function saidOf({ uuid, target, reason }: PowerTaskRow): string {
  return `power task ${uuid}, ${target}${reason === '' ? '' : `: ${reason}`}`;
}

/**
 * Hands an unsettled task to an agent under a new fence, so that whoever had it before is not listened to any more.
 * @returns the task and its node, or null if the task is at rest
 */
export async function handOver(uuid: string, agentUuid: string, transaction: Transaction): Promise<Moved | null> {
  const { sql } = transaction;
  const [nodeRow] = await sql('nodes')
    .where('held_by', uuid)
    .update({ agent_uuid: agentUuid, fence: sql.raw('fence + 1') })
    .returning('*');
  if (!nodeRow) return null;
  const node = nodeCodec.decode(nodeRow);
  const [taskRow] = await sql('power_tasks').where({ uuid }).update({ fence: node.fence }).returning('*');
  return { task: powerTaskCodec.decode(taskRow), node };
}

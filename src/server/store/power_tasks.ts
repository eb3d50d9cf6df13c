/** The table of power tasks. Their states are written by `power/transition.ts` alone. */
import type { Knex } from 'knex';
import { type CountermandError, failAt, failWith } from '../../core/errors.ts';
import { isAbort, TARGETS, type Target } from '../../core/power.ts';
import { POWER_TASK_UNSETTLED, type PowerTaskState } from '../../core/states.ts';
import { askedTogether } from './asked_together.ts';
import { compareAndSet, POWER_TASKS } from './compare_and_set.ts';
import type { Database, Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { byCreation, findByShortUuid, meansSeveral, type NewestMark } from './newest.ts';
import type { ActionRow } from './plan_rows.ts';
import { filledUp, portionsOf, ROWS_AT_ONCE, VALUES_AT_ONCE } from './portions.ts';
import { type PowerTaskRow, powerTaskCodec } from './rows.ts';

const TASKS = { table: 'power_tasks', codec: powerTaskCodec };

/** A task by uuid, or null. A request_id is never looked at: it is a client's, and may look like the uuid of anything. */
export async function findPowerTask(uuid: string, sql: Knex): Promise<PowerTaskRow | null> {
  const kept = keptBehind(sql).task(uuid);
  if (kept) return kept;
  const row = await sql('power_tasks').where({ uuid }).first();
  return row ? powerTaskCodec.decode(row) : null;
}

/** The tasks with these uuids; those that do not exist are not there. */
export async function findPowerTasks(uuids: readonly string[], sql: Knex): Promise<PowerTaskRow[]> {
  const kept = keptBehind(sql);
  const found = uuids.map((uuid) => kept.task(uuid)).filter((task) => task !== undefined);
  const known = new Set(found.map(({ uuid }) => uuid));
  const others = uuids.filter((uuid) => !known.has(uuid));
  for (const part of portionsOf(others, VALUES_AT_ONCE))
    found.push(...(await sql('power_tasks').whereIn('uuid', filledUp(part))).map(powerTaskCodec.decode));
  return found;
}

/**
 * A task as a client names it: by uuid or request_id, or by the beginning of its uuid. A uuid goes before a request_id that
 * looks the same.
 * @throws POWER_TASK_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or several tasks are
 */
export async function getPowerTask(uuidOrRequestId: string, sql: Knex): Promise<PowerTaskRow> {
  if (uuidOrRequestId === '')
    throw failAt('ARGUMENT_INVALID', 'task', 'no power task is named; give its uuid or request_id');
  const task = await findPowerTask(uuidOrRequestId, sql);
  if (task) return task;
  const row = await sql('power_tasks').where('request_id', uuidOrRequestId).first();
  if (row) return powerTaskCodec.decode(row);
  const [byShort, ...others] = await findByShortUuid(uuidOrRequestId, TASKS, sql);
  if (byShort && others.length > 0) throw meansSeveral(uuidOrRequestId, 'power task', [byShort, ...others]);
  if (byShort) return byShort;
  throw noPowerTask(uuidOrRequestId);
}

/** The error for a key that no power task has. */
export function noPowerTask(key: string): CountermandError {
  return failWith('POWER_TASK_NOT_FOUND', `there is no power task '${key}'`, {
    resource: { type: 'power_task', name: key },
  });
}

/** By what an order is found again: each of these columns is unique. */
export type OrderKey =
  | Pick<PowerTaskRow, 'requestId'>
  | Pick<PowerTaskRow, 'actionUuid'>
  | Pick<PowerTaskRow, 'abortsActionUuid'>;

/** The task that an order was given as, or null. */
export async function findOrdered(key: OrderKey, sql: Knex): Promise<PowerTaskRow | null> {
  const row = await sql('power_tasks').where(powerTaskCodec.encode(key)).first();
  return row ? powerTaskCodec.decode(row) : null;
}

/** Orders that were looked up together: those that were given before, by the key of each. */
export type GivenOrders = (key: OrderKey) => PowerTaskRow | null;

/** The tasks that orders were given as, as a transaction has them or, if it is null, as they are committed. */
export async function findGiven(
  keys: readonly OrderKey[],
  transaction: Transaction | null,
  { read }: Pick<Database, 'read'>,
): Promise<GivenOrders> {
  const find = (column: string, values: readonly unknown[]): PromiseLike<Record<string, unknown>[]> =>
    transaction === null
      ? read('power_tasks').whereIn(column, [...values] as string[])
      : transaction.direct.find('power_tasks', { [column]: values });
  const columnOf = (key: OrderKey) => Object.entries(powerTaskCodec.encode(key))[0] ?? ['', null];
  const found = new Map<string, PowerTaskRow>();
  for (const [column, all] of Map.groupBy(keys.map(columnOf), ([name]) => name))
    for (const values of portionsOf(
      all.map(([, value]) => value),
      ROWS_AT_ONCE,
    ))
      for (const row of await find(column, filledUp(values)))
        found.set(`${column} ${row[column]}`, powerTaskCodec.decode(row));
  return (key) => found.get(columnOf(key).join(' ')) ?? null;
}

/**
 * The last order or abort of this caller for a node, or null. The clock may have been set back, and another conductor may have
 * another clock, so times do not tell which order came last: each raises the fence of its node. Aborts do not.
 */
export async function findLastOf(orderedBy: string, nodeUuid: string, sql: Knex): Promise<PowerTaskRow | null> {
  const all = sql('power_tasks').where({ node_uuid: nodeUuid, ordered_by: orderedBy });
  // Within one millisecond, the abort came after its order: its target begins with an a.
  const newest = await all.clone().orderBy('created_at', 'desc').orderBy('target').first();
  if (newest === undefined) return null;
  if (isAbort(newest.target)) return powerTaskCodec.decode(newest);
  const lastOrder = await all.whereNotIn('target', TARGETS.filter(isAbort)).orderBy('fence', 'desc').first();
  return powerTaskCodec.decode(lastOrder);
}

/** The action whose order this is, or whose order this abort takes back because the plan says so. */
export function actionOf({ actionUuid, abortsActionUuid }: PowerTaskRow): string | null {
  return actionUuid ?? abortsActionUuid;
}

/** The part of an action that its power task is found by. */
type ActionKey = Pick<ActionRow, 'uuid' | 'nodeUuid'>;

/** The power task that an action has ordered, or null. A task of another node is none of the action's. */
export async function findTaskOfAction(action: ActionKey, sql: Knex): Promise<PowerTaskRow | null> {
  return (await findWithOthers(action, sql)).get(action.uuid) ?? null;
}

const findWithOthers = askedTogether((actions: readonly ActionKey[], sql) => findTasksOfActions(actions, sql));

/** The power tasks that actions have ordered, by the uuid of the action. A task of another node is none of the action's. */
export async function findTasksOfActions(
  actions: readonly ActionKey[],
  sql: Knex,
): Promise<ReadonlyMap<string, PowerTaskRow>> {
  const nodes = new Map(actions.map(({ uuid, nodeUuid }) => [uuid, nodeUuid]));
  const found = new Map<string, PowerTaskRow>();
  for (const portion of portionsOf([...nodes.keys()], VALUES_AT_ONCE)) {
    const rows = await sql('power_tasks').whereIn('action_uuid', filledUp(portion));
    for (const task of rows.map(powerTaskCodec.decode)) {
      const uuid = task.actionUuid ?? '';
      if (nodes.get(uuid) === task.nodeUuid) found.set(uuid, task);
    }
  }
  return found;
}

/** Which tasks to list, and in which order. What is absent or empty holds nothing back. */
interface PowerTaskFilter {
  readonly nodeUuid?: string;
  readonly unsettled?: boolean;
  readonly states?: readonly PowerTaskState[];
  readonly targets?: readonly Target[];
  readonly oldestFirst?: boolean;
}

/** At most `limit` tasks after a mark. */
export async function listPowerTasks(
  filter: PowerTaskFilter,
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<PowerTaskRow[]> {
  const query = sql('power_tasks');
  if (filter.nodeUuid) query.where('node_uuid', filter.nodeUuid);
  if (filter.unsettled) query.whereIn('state', [...POWER_TASK_UNSETTLED]);
  if (filter.states?.length) query.whereIn('state', [...filter.states]);
  if (filter.targets?.length) query.whereIn('target', [...filter.targets]);
  return (await byCreation(query, after, limit, filter.oldestFirst ?? false)).map(powerTaskCodec.decode);
}

/**
 * Every unsettled task that holds a node or takes back an order that was given up, the oldest first: what a conductor carries on
 * with. Other aborts end with the task that they abort.
 */
export async function listUnsettled(sql: Knex): Promise<PowerTaskRow[]> {
  const rows = await sql('power_tasks')
    .whereIn('state', [...POWER_TASK_UNSETTLED])
    .andWhere((either) => either.whereNull('aborts_task_uuid').orWhereNotNull('abort_deadline_at'))
    .orderBy('created_at');
  return rows.map(powerTaskCodec.decode);
}

/** The abort that takes back what was given up on this node, if one is under way. */
export async function findRecall(nodeUuid: string, sql: Knex): Promise<PowerTaskRow | null> {
  const row = await sql('power_tasks')
    .where({ node_uuid: nodeUuid, state: 'SENDING' })
    .whereNotNull('aborts_task_uuid')
    .whereNotNull('abort_deadline_at')
    .first();
  return row ? powerTaskCodec.decode(row) : null;
}

/** The last task of a node that was sent, given up and may still take effect, or null. */
export async function lastWindowTask(nodeUuid: string, sql: Knex): Promise<PowerTaskRow | null> {
  const row = await sql('power_tasks')
    .where('node_uuid', nodeUuid)
    .whereNotNull('may_change_until')
    .whereNotNull('sending_at')
    // Each order raises the fence of its node; a clock that was set back does not tell which came last.
    .orderBy('fence', 'desc')
    .first();
  return row ? powerTaskCodec.decode(row) : null;
}

/** The highest fence that a task of a node with this uuid has had, whichever server that was; 0 if there is none. */
export async function highestFence(nodeUuid: string, sql: Knex): Promise<number> {
  const row = await sql('power_tasks').where('node_uuid', nodeUuid).max({ fence: 'fence' }).first();
  return Number(row?.fence ?? 0);
}

/** Adds a row. Watchers are told by the caller. */
export async function insertPowerTask(task: PowerTaskRow, { direct, keep }: Transaction): Promise<void> {
  await direct.insert('power_tasks', [powerTaskCodec.encode(task)]);
  keep({ kind: 'task', task });
}

/**
 * Writes a part of a row anew. Watchers are told by the caller.
 * @returns the row as it now is, or null if another write came first
 */
export async function savePowerTask(
  before: PowerTaskRow,
  patch: Partial<PowerTaskRow>,
  transaction: Transaction,
): Promise<PowerTaskRow | null> {
  const task = await compareAndSet(POWER_TASKS, before, patch, transaction);
  if (task) transaction.keep({ kind: 'task', task });
  return task;
}

/**
 * Deleting what is old, a portion at a time. What is not at rest stays, and so does what something else refers to that stays: a plan that
 * can be rolled back, whose rollback is young, or whose power tasks go on, and an audit that has plans.
 */
import type { Knex } from 'knex';
import { POWER_TASK_REST } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import { eventsGoneTo, lastSequence } from './events.ts';
import { ROWS_AT_ONCE } from './portions.ts';

/** What is old enough, in milliseconds since 1970. */
export interface Old {
  /** It was made before this time. */
  readonly madeBefore: number;
  /** It ended before this time. */
  readonly endedBefore: number;
}

/** The tables whose rows are limited in number, each counted as a person would. */
export type Counted = 'power_tasks' | 'action_plans' | 'audits';

const PLAN_REST = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'SUPERSEDED', 'DELETED'];
const AUDIT_REST = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'DELETED'];

/** A plan that was deleted before it ran has never ended. */
const PLAN_END = 'coalesce(ended_at, updated_at)';

/** Of power tasks, those that plans have ordered are not counted: they go with their plans. */
const countedIn = (table: Counted, sql: Knex): Knex.QueryBuilder =>
  table === 'power_tasks' ? sql(table).whereNull('plan_uuid') : sql(table);

/** When the newest row was made that is too many if there may be at most `limit`; null if there are fewer. */
export async function madeAtOfExcess(table: Counted, limit: number, sql: Knex): Promise<number | null> {
  const row = await countedIn(table, sql).orderBy('created_at', 'desc').offset(limit).first('created_at');
  return row?.created_at ?? null;
}

/** Deletes old power tasks that no plan has ordered. @returns how many, at most a portion */
export async function pruneTasks({ madeBefore, endedBefore }: Old, now: number, { sql }: Transaction): Promise<number> {
  const uuids: string[] = await countedIn('power_tasks', sql)
    .where('created_at', '<', madeBefore)
    .whereIn('state', [...POWER_TASK_REST])
    .where('ended_at', '<', endedBefore)
    // What may still change is written to the task that was given up.
    .where((either) => either.whereNull('may_change_until').orWhere('may_change_until', '<', now))
    .orderBy('created_at')
    .limit(ROWS_AT_ONCE)
    .pluck('uuid');
  if (uuids.length > 0) await sql('power_tasks').whereIn('uuid', uuids).delete();
  return uuids.length;
}

/** The result of a portion. */
export interface Pruned {
  /** How many things are gone. */
  readonly count: number;
  /** There may be more of them. */
  readonly more: boolean;
}

/**
 * Deletes old plans, with their actions and the power tasks of these. A large plan loses its actions first, over several portions.
 */
export async function prunePlans(old: Old, now: number, transaction: Transaction): Promise<Pruned> {
  const { sql } = transaction;
  let room = ROWS_AT_ONCE;
  let count = 0;
  const uuids = await oldPlans(old, now, sql);
  for (const uuid of uuids) {
    const actions: string[] = await sql('actions').where('plan_uuid', uuid).limit(room).pluck('uuid');
    await deleteActions(actions, sql);
    room -= actions.length;
    if (room <= 0) return { count, more: true };
    await sql('plan_nodes').where('plan_uuid', uuid).delete();
    await sql('action_plans').where('uuid', uuid).delete();
    count += 1;
  }
  return { count, more: uuids.length === PLANS_AT_ONCE };
}

const PLANS_AT_ONCE = 50;

async function oldPlans({ madeBefore, endedBefore }: Old, now: number, sql: Knex): Promise<string[]> {
  const young = sql('action_plans as rollback')
    .whereRaw('rollback.rollback_of = action_plans.uuid')
    .where((either) =>
      either
        .whereNotIn('rollback.state', PLAN_REST)
        .orWhereRaw(`coalesce(rollback.ended_at, rollback.updated_at) >= ?`, [endedBefore])
        .orWhere('rollback.rollback_until', '>=', now),
    );
  return sql('action_plans')
    .where('created_at', '<', madeBefore)
    .whereIn('state', PLAN_REST)
    .whereRaw(`${PLAN_END} < ?`, [endedBefore])
    .where((either) => either.whereNull('rollback_until').orWhere('rollback_until', '<', now))
    .whereNotExists(young)
    .whereNotExists(tasksThatLive(now, sql))
    .orderBy('created_at')
    .limit(PLANS_AT_ONCE)
    .pluck('uuid');
}

/** What could not be taken back when the plan ended goes on, holds its node, and may change it later. */
const tasksThatLive = (now: number, sql: Knex): Knex.QueryBuilder =>
  sql('actions')
    .join('power_tasks', 'power_tasks.action_uuid', 'actions.uuid')
    .whereRaw('actions.plan_uuid = action_plans.uuid')
    .where((either) =>
      either.whereNotIn('power_tasks.state', [...POWER_TASK_REST]).orWhere('power_tasks.may_change_until', '>=', now),
    );

async function deleteActions(uuids: readonly string[], sql: Knex): Promise<void> {
  if (uuids.length === 0) return;
  await sql('power_tasks').whereIn('action_uuid', uuids).delete();
  await sql('power_tasks').whereIn('aborts_action_uuid', uuids).delete();
  await sql('actions').whereIn('uuid', uuids).delete();
}

/** Deletes old audits of which no plan is left. @returns how many, at most a portion */
export async function pruneAudits({ madeBefore, endedBefore }: Old, { sql }: Transaction): Promise<number> {
  const uuids: string[] = await sql('audits')
    .where('created_at', '<', madeBefore)
    .whereIn('state', AUDIT_REST)
    .where('updated_at', '<', endedBefore)
    .whereNotExists(sql('action_plans').whereRaw('action_plans.audit_uuid = audits.uuid'))
    .orderBy('created_at')
    .limit(ROWS_AT_ONCE)
    .pluck('uuid');
  if (uuids.length > 0) await sql('audits').whereIn('uuid', uuids).delete();
  return uuids.length;
}

/** Which events go: those that are old, and those that are too many; never one in between of those that stay. */
interface OldEvents {
  /** Those that were stored before this time. */
  readonly before: number;
  /** ... and, if there are more, the oldest, until this number is left; null: any number stays. */
  readonly limit: number | null;
  /** What is too many goes only if it was stored before this time. */
  readonly limitBefore: number;
  /** Events after this number stay: whoever reads them has not read them yet. Null: no reader is waited for. */
  readonly readTo: number | null;
}

/**
 * Deletes the oldest events, up to the first that is not old. The newest stays: its number says how far they are.
 * @returns how many, at most a portion
 */
export async function pruneEvents(
  { before, limit, limitBefore, readTo }: OldEvents,
  { sql }: Transaction,
): Promise<number> {
  const gone = await eventsGoneTo(sql);
  const newest = await lastSequence(sql);
  const last = Math.min(newest - 1, readTo ?? newest);
  const tooManyTo = limit === null ? 0 : newest - limit;
  const rows: { readonly sequence: number; readonly timestamp: number }[] = await sql('events')
    .where('sequence', '>', gone)
    .where('sequence', '<=', last)
    .orderBy('sequence')
    .limit(ROWS_AT_ONCE)
    .select('sequence', 'timestamp');
  const stays = rows.findIndex(
    ({ sequence, timestamp }) => timestamp >= before && !(sequence <= tooManyTo && timestamp < limitBefore),
  );
  const old = stays === -1 ? rows : rows.slice(0, stays);
  const to = old.at(-1)?.sequence;
  if (to === undefined) return 0;
  await sql('events').where('sequence', '<=', to).delete();
  await sql('database_id').update({ events_gone_to: to });
  return old.length;
}

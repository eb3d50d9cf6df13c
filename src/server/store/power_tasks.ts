/** Reading power tasks. Their states are written by `transition.ts` alone. */
import type { Knex } from 'knex';
import { fail } from '../../core/errors.ts';
import { POWER_TASK_UNSETTLED } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { type NewestMark, newestFirst } from './newest.ts';
import { portionsOf, VALUES_AT_ONCE } from './portions.ts';
import { type PowerTaskRow, powerTaskCodec } from './rows.ts';

/** A task by uuid or request_id, or null. A uuid goes before a request_id that looks the same. */
export async function findPowerTask(uuidOrRequestId: string, sql: Knex): Promise<PowerTaskRow | null> {
  const kept = keptBehind(sql).task(uuidOrRequestId);
  if (kept) return kept;
  const byUuid = await sql('power_tasks').where('uuid', uuidOrRequestId).first();
  const row = byUuid ?? (await sql('power_tasks').where('request_id', uuidOrRequestId).first());
  return row ? powerTaskCodec.decode(row) : null;
}

/** A task by uuid or request_id. @throws POWER_TASK_NOT_FOUND, ARGUMENT_INVALID if nothing is named */
export async function getPowerTask(uuidOrRequestId: string, sql: Knex): Promise<PowerTaskRow> {
  if (uuidOrRequestId === '') throw fail('ARGUMENT_INVALID', 'no power task is named; give its uuid or request_id');
  const task = await findPowerTask(uuidOrRequestId, sql);
  if (task) return task;
  throw fail(
    'POWER_TASK_NOT_FOUND',
    `there is no power task '${uuidOrRequestId}'; \`countermand power list\` shows those there are`,
  );
}

/** A task by its request_id, or null. */
export async function findByRequestId(requestId: string, sql: Knex): Promise<PowerTaskRow | null> {
  const row = await sql('power_tasks').where('request_id', requestId).first();
  return row ? powerTaskCodec.decode(row) : null;
}

/** The task that an order was given as before, or null. */
export async function findGiven(requestId: string, { direct }: Transaction): Promise<PowerTaskRow | null> {
  const [row] = await direct.find('power_tasks', { request_id: requestId });
  return row ? powerTaskCodec.decode(row) : null;
}

/** Which tasks to list. */
export interface PowerTaskFilter {
  readonly nodeUuid?: string;
  readonly unsettled?: boolean;
}

/** At most `limit` tasks, the newest first. */
export async function listPowerTasks(
  filter: PowerTaskFilter,
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<PowerTaskRow[]> {
  const query = sql('power_tasks');
  if (filter.nodeUuid) query.where('node_uuid', filter.nodeUuid);
  if (filter.unsettled) query.whereIn('state', [...POWER_TASK_UNSETTLED]);
  return (await newestFirst(query, after, limit)).map(powerTaskCodec.decode);
}

/** Every unsettled task that holds a node, the oldest first: what a conductor carries on with. */
export async function listHolders(sql: Knex): Promise<PowerTaskRow[]> {
  const rows = await sql('power_tasks')
    .whereIn('state', [...POWER_TASK_UNSETTLED])
    .whereNull('aborts_task_uuid')
    .orderBy('created_at');
  return rows.map(powerTaskCodec.decode);
}

/** The uuid of the last task of a node that was sent, given up and may still take effect, or null. */
export async function lastWindowTask(nodeUuid: string, sql: Knex): Promise<string | null> {
  const row = await sql('power_tasks')
    .where('node_uuid', nodeUuid)
    .whereNotNull('may_change_until')
    .whereNotNull('sending_at')
    .orderBy('created_at', 'desc')
    .first('uuid');
  return row?.uuid ?? null;
}

/** Power tasks by the request_id that they were ordered with. */
export async function findByRequestIds(requestIds: readonly string[], sql: Knex): Promise<Map<string, PowerTaskRow>> {
  const found = new Map<string, PowerTaskRow>();
  for (const portion of portionsOf(requestIds, VALUES_AT_ONCE)) {
    const rows = await sql('power_tasks').whereIn('request_id', portion);
    for (const task of rows.map(powerTaskCodec.decode)) found.set(task.requestId, task);
  }
  return found;
}

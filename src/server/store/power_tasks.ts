/** Reading power tasks. Their states are written by `transition.ts` alone. */
import type { Knex } from 'knex';
import { fail } from '../../core/errors.ts';
import { POWER_TASK_UNSETTLED } from '../../core/states.ts';
import { type PowerTaskRow, powerTaskCodec } from './rows.ts';

/** A task by uuid or request_id, or null. A uuid goes before a request_id that looks the same. */
export async function findPowerTask(uuidOrRequestId: string, sql: Knex): Promise<PowerTaskRow | null> {
  const rows = await sql('power_tasks').where('uuid', uuidOrRequestId).orWhere('request_id', uuidOrRequestId);
  const row = rows.find(({ uuid }) => uuid === uuidOrRequestId) ?? rows[0];
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

/** Which tasks to list. */
export interface PowerTaskFilter {
  readonly nodeUuid?: string;
  readonly unsettled?: boolean;
}

/** Where a page of tasks begins: after the task with this time of creation and uuid. */
export interface PowerTaskMark {
  readonly createdAt: number;
  readonly uuid: string;
}

/** True for a mark; what a client hands back may be anything. */
export function isPowerTaskMark(mark: unknown): mark is PowerTaskMark {
  const { createdAt, uuid } = (mark ?? {}) as Record<keyof PowerTaskMark, unknown>;
  return typeof createdAt === 'number' && typeof uuid === 'string';
}

/** At most `limit` tasks, the newest first. */
export async function listPowerTasks(
  filter: PowerTaskFilter,
  after: PowerTaskMark | null,
  limit: number,
  sql: Knex,
): Promise<PowerTaskRow[]> {
  const query = sql('power_tasks').orderBy('created_at', 'desc').orderBy('uuid', 'desc').limit(limit);
  if (filter.nodeUuid) query.where('node_uuid', filter.nodeUuid);
  if (filter.unsettled) query.whereIn('state', [...POWER_TASK_UNSETTLED]);
  if (after) {
    query.where((older) =>
      older
        .where('created_at', '<', after.createdAt)
        .orWhere((same) => same.where('created_at', after.createdAt).where('uuid', '<', after.uuid)),
    );
  }
  return (await query).map(powerTaskCodec.decode);
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

/** So many values go into one statement. */
const VALUES_LIMIT = 900;

/** Power tasks by the request_id that they were ordered with. */
export async function findByRequestIds(requestIds: readonly string[], sql: Knex): Promise<Map<string, PowerTaskRow>> {
  const found = new Map<string, PowerTaskRow>();
  for (let at = 0; at < requestIds.length; at += VALUES_LIMIT) {
    const rows = await sql('power_tasks').whereIn('request_id', requestIds.slice(at, at + VALUES_LIMIT));
    for (const task of rows.map(powerTaskCodec.decode)) found.set(task.requestId, task);
  }
  return found;
}

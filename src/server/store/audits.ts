/** Reading audits, and writing when they run. Their states are written by `plan_transition.ts` alone. */
import type { Knex } from 'knex';
import { fail } from '../../core/errors.ts';
import type { ActionPlanState, AuditState } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import { type ActionPlanRow, type AuditRow, actionPlanCodec, auditCodec } from './plan_rows.ts';
import type { PlanMark } from './plans.ts';
import type { Store } from './store.ts';

/** An audit by its request_id, or null. */
export async function findAuditByRequestId(requestId: string, sql: Knex): Promise<AuditRow | null> {
  const row = await sql('audits').where('request_id', requestId).first();
  return row ? auditCodec.decode(row) : null;
}

/**
 * An audit by uuid, request_id or name. A name that several audits bear means none of them.
 * @throws AUDIT_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or more than one audit
 */
export async function getAudit(key: string, sql: Knex): Promise<AuditRow> {
  if (key === '') throw fail('ARGUMENT_INVALID', 'no audit is named; give its uuid, its request_id or its name');
  const byId = await sql('audits').where('uuid', key).orWhere('request_id', key).first();
  if (byId) return auditCodec.decode(byId);
  const named = await sql('audits')
    .where('name', key)
    .whereNot('state', 'DELETED')
    .orderBy('created_at', 'desc')
    .limit(6);
  if (named.length === 1) return auditCodec.decode(named[0]);
  if (named.length === 0)
    throw fail('AUDIT_NOT_FOUND', `there is no audit '${key}'; \`countermand audit list\` shows those there are`);
  const uuids = named.map(({ uuid }) => uuid).slice(0, 5);
  throw fail('ARGUMENT_INVALID', `more than one audit is called '${key}'; name one by its uuid: ${uuids.join(', ')}`);
}

/** At most `limit` audits, the newest first; without `states`, all but those that are deleted. */
export async function listAudits(
  states: readonly AuditState[],
  after: PlanMark | null,
  limit: number,
  sql: Knex,
): Promise<AuditRow[]> {
  const query = sql('audits').orderBy('created_at', 'desc').orderBy('uuid', 'desc').limit(limit);
  if (states.length > 0) query.whereIn('state', [...states]);
  else query.whereNot('state', 'DELETED');
  if (after) {
    query.where((older) =>
      older
        .where('created_at', '<', after.createdAt)
        .orWhere((same) => same.where('created_at', after.createdAt).where('uuid', '<', after.uuid)),
    );
  }
  return (await query).map(auditCodec.decode);
}

/** At most `limit` plans of an audit, the newest first; without `states`, all but those that are deleted. */
export async function listPlansOf(
  auditUuid: string,
  states: readonly ActionPlanState[],
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  const query = sql('action_plans').where('audit_uuid', auditUuid);
  if (states.length > 0) query.whereIn('state', [...states]);
  else query.whereNot('state', 'DELETED');
  const rows = await query.orderBy('created_at', 'desc').orderBy('uuid', 'desc').limit(limit);
  return rows.map(actionPlanCodec.decode);
}

/** When the next continuous audit is due, or null. */
export async function nextRunTime(sql: Knex): Promise<number | null> {
  const row = await sql('audits').where('state', 'ONGOING').min('next_run_at as next').first();
  return row?.next ?? null;
}

/** The continuous audits that are due, the longest due first. */
export async function listDueAudits(now: number, sql: Knex): Promise<AuditRow[]> {
  const rows = await sql('audits').where('state', 'ONGOING').where('next_run_at', '<=', now).orderBy('next_run_at');
  return rows.map(auditCodec.decode);
}

/**
 * Takes the run of an audit that is due: it is due again later.
 * @returns the audit, or null if it is not due any more: somebody else has taken its run, or it was stopped
 */
export async function takeRun(
  { uuid, nextRunAt, intervalMs }: AuditRow,
  transaction: Transaction,
  store: Store,
): Promise<AuditRow | null> {
  const now = store.clock.now();
  // What was missed while nobody was there is made up for by one run.
  const regular = (nextRunAt ?? now) + (intervalMs ?? 0);
  const patch = { nextRunAt: regular > now ? regular : now + (intervalMs ?? 0), updatedAt: now };
  const [row] = await transaction
    .sql('audits')
    .where({ uuid, state: 'ONGOING', next_run_at: nextRunAt })
    .where('next_run_at', '<=', now)
    .update({ ...auditCodec.encode(patch), revision: transaction.sql.raw('revision + 1') })
    .returning('*');
  return row ? auditCodec.decode(row) : null;
}

/** Says what a run of an audit came to. */
export async function setRunMessage(uuid: string, statusMessage: string, { sql }: Transaction): Promise<void> {
  await sql('audits').where({ uuid }).update(auditCodec.encode({ statusMessage }));
}

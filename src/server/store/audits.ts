/** Reading audits, and writing when they run. Their states are written by `plan_transition.ts` alone. */
import type { Knex } from 'knex';
import type { ActionPlanState, AuditState } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import { getNamed, inStates, type NamedTable, type NewestMark, newestFirst } from './newest.ts';
import { type ActionPlanRow, type AuditRow, actionPlanCodec, auditCodec } from './plan_rows.ts';
import type { Store } from './store.ts';

/** An audit by its request_id, or null. */
export async function findAuditByRequestId(requestId: string, sql: Knex): Promise<AuditRow | null> {
  const row = await sql('audits').where('request_id', requestId).first();
  return row ? auditCodec.decode(row) : null;
}

const AUDITS: NamedTable<AuditRow> = {
  table: 'audits',
  codec: auditCodec,
  noun: 'audit',
  list: 'countermand audit list',
  notFound: 'AUDIT_NOT_FOUND',
};

/**
 * An audit by uuid, request_id or name. A name that several audits bear means none of them.
 * @throws AUDIT_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or more than one audit
 */
export function getAudit(key: string, sql: Knex): Promise<AuditRow> {
  return getNamed(key, AUDITS, sql);
}

/** At most `limit` audits, the newest first; without `states`, all but those that are deleted. */
export async function listAudits(
  states: readonly AuditState[],
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<AuditRow[]> {
  return (await newestFirst(inStates(sql('audits'), states), after, limit)).map(auditCodec.decode);
}

/** At most `limit` plans of an audit, the newest first; without `states`, all but those that are deleted. */
export async function listPlansOf(
  auditUuid: string,
  states: readonly ActionPlanState[],
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  const ofAudit = sql('action_plans').where('audit_uuid', auditUuid);
  return (await newestFirst(inStates(ofAudit, states), null, limit)).map(actionPlanCodec.decode);
}

/** In how many milliseconds the next continuous audit is due; zero or less if one is, null if there is none. */
export async function nextRunAfterMs(now: number, sql: Knex): Promise<number | null> {
  const next = await sql('audits').where('state', 'ONGOING').min('next_run_at as at').first();
  if (next?.at == null) return null;
  const due = await whereDue(sql('audits').where('state', 'ONGOING'), now).first('uuid');
  return due ? 0 : next.at - now;
}

/** The continuous audits that are due, the longest due first. */
export async function listDueAudits(now: number, sql: Knex): Promise<AuditRow[]> {
  const rows = await whereDue(sql('audits').where('state', 'ONGOING'), now).orderBy('next_run_at');
  return rows.map(auditCodec.decode);
}

/** Its time has come; or it is further off than the interval, as somebody has set the clock back. */
function whereDue(query: Knex.QueryBuilder, now: number): Knex.QueryBuilder {
  return query.where((due) => due.where('next_run_at', '<=', now).orWhereRaw('next_run_at - interval_ms > ?', [now]));
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
  const latest = now + (intervalMs ?? 0);
  const patch = { nextRunAt: regular > now && regular <= latest ? regular : latest, updatedAt: now };
  const asSeen = transaction.sql('audits').where({ uuid, state: 'ONGOING', next_run_at: nextRunAt });
  const [row] = await whereDue(asSeen, now)
    .update({ ...auditCodec.encode(patch), revision: transaction.sql.raw('revision + 1') })
    .returning('*');
  return row ? auditCodec.decode(row) : null;
}

/** Says what a run of an audit came to. */
export async function setRunMessage(uuid: string, statusMessage: string, { sql }: Transaction): Promise<void> {
  await sql('audits').where({ uuid }).update(auditCodec.encode({ statusMessage }));
}

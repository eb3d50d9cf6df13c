/** The table of audits. Their states are written by `plans/audit_transition.ts` alone. */
import type { Knex } from 'knex';
import type { CountermandError } from '../../core/errors.ts';
import type { ActionPlanState, AuditState } from '../../core/states.ts';
import { AUDITS, compareAndSet } from './compare_and_set.ts';
import type { Transaction } from './database.ts';
import { byCreation, getNamed, inStates, type NamedTable, type NewestMark, newestFirst, noNamed } from './newest.ts';
import { type ActionPlanRow, type AuditRow, actionPlanCodec, auditCodec } from './plan_rows.ts';
import { portionsOf, VALUES_AT_ONCE } from './portions.ts';

/** An audit by its request_id, or null. */
export async function findAuditByRequestId(requestId: string, sql: Knex): Promise<AuditRow | null> {
  const row = await sql('audits').where('request_id', requestId).first();
  return row ? auditCodec.decode(row) : null;
}

const NAMED_AUDITS: NamedTable<AuditRow> = {
  table: 'audits',
  codec: auditCodec,
  noun: 'audit',
  type: 'audit',
  notFound: 'AUDIT_NOT_FOUND',
  ended: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'DELETED'] satisfies AuditState[],
};

/**
 * An audit by uuid, request_id or name. A name that several audits bear means none of them.
 * @throws AUDIT_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or more than one audit
 */
export function getAudit(key: string, sql: Knex): Promise<AuditRow> {
  return getNamed(key, NAMED_AUDITS, sql);
}

/** The error for a key that no audit has. */
export const noAudit = (key: string): CountermandError => noNamed(key, NAMED_AUDITS);

/** Which audits are listed, and in which order. */
interface AuditFilter {
  /** Empty: all but those that are deleted. */
  readonly states: readonly AuditState[];
  /** Null: with any. */
  readonly strategies: readonly string[] | null;
  readonly oldestFirst: boolean;
}

/** At most `limit` audits after a mark. */
export async function listAudits(
  { states, strategies, oldestFirst }: AuditFilter,
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<AuditRow[]> {
  const query = inStates(sql('audits'), states);
  if (strategies) query.whereIn('strategy', [...strategies]);
  return (await byCreation(query, after, limit, oldestFirst)).map(auditCodec.decode);
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

/** The audit of each of these plans, by the uuid of the plan; a plan that is not there has none. */
export async function auditsOfPlans(planUuids: readonly string[], sql: Knex): Promise<ReadonlyMap<string, AuditRow>> {
  const plans: { uuid: string; audit_uuid: string }[] = [];
  for (const part of portionsOf(planUuids, VALUES_AT_ONCE))
    plans.push(...(await sql('action_plans').whereIn('uuid', part).select('uuid', 'audit_uuid')));
  const audits = new Map<string, AuditRow>();
  for (const part of portionsOf([...new Set(plans.map((plan) => plan.audit_uuid))], VALUES_AT_ONCE))
    for (const row of await sql('audits').whereIn('uuid', part)) audits.set(String(row.uuid), auditCodec.decode(row));
  return new Map(
    plans.flatMap(({ uuid, audit_uuid: audit }) => {
      const found = audits.get(audit);
      return found ? [[uuid, found] as const] : [];
    }),
  );
}

/** The audits of these strategies, or those of all others. */
export interface WhichAudits {
  readonly strategies: readonly string[];
  readonly others: boolean;
}

/** In how many milliseconds the next of these continuous audits is due; zero or less if one is, null if there is none. */
export async function nextRunAfterMs(now: number, which: WhichAudits, sql: Knex): Promise<number | null> {
  const next = await ongoing(which, sql).min('next_run_at as at').first();
  if (next?.at == null) return null;
  const due = await whereDue(ongoing(which, sql), now).first('uuid');
  return due ? 0 : next.at - now;
}

/** Those of these continuous audits that are due, the longest due first. */
export async function listDueAudits(now: number, which: WhichAudits, sql: Knex): Promise<AuditRow[]> {
  const rows = await whereDue(ongoing(which, sql), now).orderBy('next_run_at');
  return rows.map(auditCodec.decode);
}

function ongoing({ strategies, others }: WhichAudits, sql: Knex): Knex.QueryBuilder {
  const running = sql('audits').where('state', 'ONGOING');
  return others ? running.whereNotIn('strategy', [...strategies]) : running.whereIn('strategy', [...strategies]);
}

/** Its time has come; or it is further off than the interval, because the clock was set back. */
function whereDue(query: Knex.QueryBuilder, now: number): Knex.QueryBuilder {
  return query.where((due) => due.where('next_run_at', '<=', now).orWhereRaw('next_run_at - interval_ms > ?', [now]));
}

/** The audits that run, or will run by themselves. */
export async function listUnsettledAudits(sql: Knex): Promise<AuditRow[]> {
  return (await sql('audits').whereIn('state', ['PENDING', 'ONGOING']).orderBy('created_at')).map(auditCodec.decode);
}

/** Adds a row. */
export async function insertAudit(audit: AuditRow, { sql }: Transaction): Promise<void> {
  await sql('audits').insert(auditCodec.encode(audit));
}

/** Writes a part of a row anew. @returns the row as it now is, or null if another write came first */
export function saveAudit(
  before: AuditRow,
  patch: Partial<AuditRow>,
  transaction: Transaction,
): Promise<AuditRow | null> {
  return compareAndSet(AUDITS, before, patch, transaction);
}

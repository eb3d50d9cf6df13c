/** The only writer of audits: of their states, of when they run next, and of what their last run led to. */
import { AUDIT_TABLE, type AuditEvent, rowOf } from '../../core/states.ts';
import { announce } from '../events/announce.ts';
import { insertAudit, saveAudit } from '../store/audits.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { AuditRow } from '../store/plan_rows.ts';
import type { Store } from '../store/store.ts';
import { auditAnnouncement } from './notifications.ts';
import { fresh, type Maker, makerOf, type Stamped, stampsOf } from './stamps.ts';

/** What a new audit is made of. */
type NewAudit = Omit<AuditRow, Stamped | keyof Maker>;

/** Writes an audit that was accepted. */
export async function createAudit(audit: NewAudit, transaction: Transaction, store: Store): Promise<AuditRow> {
  const row: AuditRow = { ...audit, ...makerOf(transaction), ...fresh('PENDING' as const, store.clock.now()) };
  await insertAudit(row, transaction);
  await tell('create', row, transaction, store);
  return row;
}

/** Writes an audit that was accepted, and begins it. @throws OVERTAKEN */
export async function beginAudit(audit: NewAudit, transaction: Transaction, store: Store): Promise<AuditRow> {
  const pending = await createAudit(audit, transaction, store);
  const ongoing = await moveAudit('begin', pending, {}, transaction, store);
  if (ongoing === null) throw overtaken(`audit '${audit.name}'`);
  return ongoing;
}

/**
 * Moves an audit by one row of the state table.
 * @param before the audit, as the move was decided on
 * @returns it as it now is, or null if it is in another state, or is not that row any more: then nothing was written
 */
export async function moveAudit(
  event: AuditEvent,
  before: AuditRow,
  patch: Partial<AuditRow>,
  transaction: Transaction,
  store: Store,
): Promise<AuditRow | null> {
  const row = rowOf(AUDIT_TABLE, event);
  if (!row.from.includes(before.state)) return null;
  const moved = { ...patch, state: row.to, previousState: before.state, ...stampsOf(row.to, store.clock.now()) };
  const audit = await saveAudit(before, moved, transaction);
  if (audit) await tell(event, audit, transaction, store);
  return audit;
}

async function tell(event: AuditEvent, audit: AuditRow, transaction: Transaction, store: Store): Promise<void> {
  const said = rowOf(AUDIT_TABLE, event).notifies.map((type) => auditAnnouncement(type, audit));
  await announce(said, transaction, store);
  transaction.changed({ kind: 'audit', audit });
}

/**
 * Takes the run of an audit that is due: it is due again later.
 * @param before as it was when it was found to be due
 * @returns the audit, or null if it is not that row any more: its run was taken, or it was stopped
 */
export async function takeRun(before: AuditRow, transaction: Transaction, store: Store): Promise<AuditRow | null> {
  const now = store.clock.now();
  // What was missed while no conductor ran is made up for by one run.
  const regular = (before.nextRunAt ?? now) + (before.intervalMs ?? 0);
  const latest = now + (before.intervalMs ?? 0);
  const nextRunAt = regular > now && regular <= latest ? regular : latest;
  return saveAudit(before, { nextRunAt, updatedAt: now }, transaction);
}

/** Says what a run of an audit led to. @throws OVERTAKEN */
export async function setRunMessage(
  before: AuditRow,
  statusMessage: string,
  transaction: Transaction,
): Promise<AuditRow> {
  const audit = await saveAudit(before, { statusMessage }, transaction);
  if (audit === null) throw overtaken(`audit '${before.name}'`);
  return audit;
}

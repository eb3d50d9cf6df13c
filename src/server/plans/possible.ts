/** What can be done with a plan now, read from the state table, in words of the command line. */
import { ACTION_PLAN_TABLE, type ActionPlanEvent, AUDIT_TABLE, type AuditEvent } from '../../core/states.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';

/** The events that an operator can bring about, with the words for it. */
const ORDERS: readonly (readonly [ActionPlanEvent, (uuid: string) => string])[] = [
  ['start', (uuid) => `plan start ${uuid}`],
  ['drop', (uuid) => `plan cancel ${uuid}`],
  ['cancel', (uuid) => `plan cancel ${uuid}`],
  ['delete', (uuid) => `plan delete ${uuid}`],
];

/** What may be ordered for a plan, for example "plan cancel UUID". */
export function planPossible(plan: ActionPlanRow, now: number): string[] {
  const { uuid, state, rollbackUntil, rolledBackBy } = plan;
  const moves = ORDERS.filter(([event]) =>
    ACTION_PLAN_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, words]) => words(uuid));
  const canRollBack = state !== 'DELETED' && rolledBackBy === null && rollbackUntil !== null && now <= rollbackUntil;
  return canRollBack ? [`plan rollback ${uuid}`, ...moves] : moves;
}

/** The events of an audit that an operator can bring about. */
const AUDIT_ORDERS: readonly AuditEvent[] = ['suspend', 'resume', 'cancel', 'delete'];

/** What may be ordered for an audit, for example "audit suspend UUID". */
export function auditPossible({ uuid, state }: Pick<AuditRow, 'uuid' | 'state'>): string[] {
  return AUDIT_ORDERS.filter((event) => AUDIT_TABLE.some((row) => row.event === event && row.from.includes(state))).map(
    (event) => `audit ${event} ${uuid}`,
  );
}

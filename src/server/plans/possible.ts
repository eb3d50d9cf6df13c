/** What can be done with a plan now, read from the state table, in words of the command line. */
import {
  ACTION_PLAN_TABLE,
  type ActionPlanEvent,
  AUDIT_TABLE,
  type AuditEvent,
  isPlanAtRest,
} from '../../core/states.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';

/** The events that an operator can bring about, with the words for it. */
const ORDERS: readonly (readonly [ActionPlanEvent, (uuid: string) => string])[] = [
  ['start', (uuid) => `plan start ${uuid}`],
  ['drop', (uuid) => `plan cancel ${uuid}`],
  ['cancel', (uuid) => `plan cancel ${uuid}`],
  ['delete', (uuid) => `plan delete ${uuid}`],
];

/** The part of a rollback that says whether there may be another. */
export type EarlierRollback = Pick<ActionPlanRow, 'state' | 'previousState'>;

/** True if a rollback has succeeded. It may have been deleted since; what it did stays done. */
export function hasUndone({ state, previousState }: EarlierRollback): boolean {
  return state === 'SUCCEEDED' || (state === 'DELETED' && previousState === 'SUCCEEDED');
}

/** True if a rollback has succeeded or is under way: there is no other then. */
export function isOnlyRollback(rollback: EarlierRollback): boolean {
  return hasUndone(rollback) || !isPlanAtRest(rollback.state);
}

/**
 * What may be ordered for a plan, for example "plan cancel UUID".
 * @param rollback the plan that was last to undo it, or null
 */
export function planPossible(plan: ActionPlanRow, rollback: EarlierRollback | null, now: number): string[] {
  const { uuid, state, rollbackUntil } = plan;
  const moves = ORDERS.filter(([event]) =>
    ACTION_PLAN_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, words]) => words(uuid));
  const inTime = state !== 'DELETED' && rollbackUntil !== null && now <= rollbackUntil;
  const canRollBack = inTime && (rollback === null || !isOnlyRollback(rollback));
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

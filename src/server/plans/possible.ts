/** What the states of plans and audits allow, read from the state tables, in words of the command line. */
import {
  ACTION_PLAN_TABLE,
  type ActionPlanEvent,
  AUDIT_TABLE,
  type AuditEvent,
  isPlanAtRest,
} from '../../core/states.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';

/** What an operator can order for a plan. */
export type PlanVerb = 'rollback' | 'start' | 'cancel' | 'delete';

/** The events that an operator can bring about, with the verb for it. */
const ORDERS: readonly (readonly [ActionPlanEvent, PlanVerb])[] = [
  ['start', 'start'],
  ['drop', 'cancel'],
  ['cancel', 'cancel'],
  ['delete', 'delete'],
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
 * What the state of a plan allows. `offers.ts` says what would be accepted as well.
 * @param rollback the plan that was last to undo it, or null
 */
export function planVerbs(plan: ActionPlanRow, rollback: EarlierRollback | null, now: number): PlanVerb[] {
  const { state, rollbackUntil } = plan;
  const moves = ORDERS.filter(([event]) =>
    ACTION_PLAN_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, verb]) => verb);
  const inTime = state !== 'DELETED' && rollbackUntil !== null && now <= rollbackUntil;
  const canRollBack = inTime && (rollback === null || !isOnlyRollback(rollback));
  return canRollBack ? ['rollback', ...moves] : moves;
}

/** The same in words of the command line, for example "plan cancel UUID". */
export function planPossible(plan: ActionPlanRow, rollback: EarlierRollback | null, now: number): string[] {
  return planVerbs(plan, rollback, now).map((verb) => `plan ${verb} ${plan.uuid}`);
}

/** The events of an audit that an operator can bring about. */
const AUDIT_ORDERS: readonly AuditEvent[] = ['suspend', 'resume', 'cancel', 'delete'];

/**
 * What may be ordered for an audit, for example "audit suspend UUID".
 * @param isFull the disk is full: what begins work is refused
 */
export function auditPossible({ uuid, state }: Pick<AuditRow, 'uuid' | 'state'>, isFull = false): string[] {
  const moves = AUDIT_ORDERS.filter((event) =>
    AUDIT_TABLE.some((row) => row.event === event && row.from.includes(state)),
  );
  return moves.filter((event) => event !== 'resume' || !isFull).map((event) => `audit ${event} ${uuid}`);
}

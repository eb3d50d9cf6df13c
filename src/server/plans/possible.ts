/** What the states of plans and audits allow, read from the state tables. */
import type { Possible, PossibleVerb } from '../../core/possible.ts';
import {
  ACTION_PLAN_TABLE,
  type ActionPlanEvent,
  AUDIT_TABLE,
  type AuditEvent,
  isPlanAtRest,
} from '../../core/states.ts';
import type { ActionPlanRow, AuditRow } from '../store/plan_rows.ts';

/** What an operator can order for a plan. */
export type PlanVerb =
  | 'ROLLBACK_ACTION_PLAN'
  | 'START_ACTION_PLAN'
  | 'APPROVE_ACTION_PLAN'
  | 'REJECT_ACTION_PLAN'
  | 'CANCEL_ACTION_PLAN'
  | 'DELETE_ACTION_PLAN';

/** The events that an operator can bring about, with the verb for it. */
const ORDERS: readonly (readonly [ActionPlanEvent, PlanVerb])[] = [
  ['start', 'START_ACTION_PLAN'],
  ['drop', 'CANCEL_ACTION_PLAN'],
  ['cancel', 'CANCEL_ACTION_PLAN'],
  ['delete', 'DELETE_ACTION_PLAN'],
];

/** What a second person can order for a plan that waits for one. */
const DECISIONS: readonly PlanVerb[] = ['APPROVE_ACTION_PLAN', 'REJECT_ACTION_PLAN'];

/** True for a plan that was started and is not launched before a second person has agreed. */
export const waitsForApproval = ({ state, approval }: Pick<ActionPlanRow, 'state' | 'approval'>): boolean =>
  state === 'PENDING' && approval === 'WANTED';

/**
 * True for a plan whose cancel is over: a client that has not heard the answer may cancel it again.
 * @param rollback it should go on to roll it back: that one did too, or there was nothing to undo, as it never ran
 */
export function wasCancelled(plan: ActionPlanRow, rollback: boolean): boolean {
  const { state, previousState, rollsBack, launchedAt } = plan;
  // What could not be taken back made it FAILED.
  const isOver = state === 'CANCELLED' || (state === 'FAILED' && previousState === 'CANCELLING');
  return isOver && (!rollback || rollsBack || launchedAt === null);
}

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
  const ofState = ORDERS.filter(([event]) =>
    ACTION_PLAN_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, verb]) => verb);
  const moves = waitsForApproval(plan) ? [...DECISIONS, ...ofState] : ofState;
  const inTime = state !== 'DELETED' && rollbackUntil !== null && now <= rollbackUntil;
  const canRollBack = inTime && (rollback === null || !isOnlyRollback(rollback));
  return canRollBack ? ['ROLLBACK_ACTION_PLAN', ...moves] : moves;
}

/** The events of an audit that an operator can bring about, with the verb for it. */
const AUDIT_ORDERS: readonly (readonly [AuditEvent, PossibleVerb])[] = [
  ['suspend', 'SUSPEND_AUDIT'],
  ['resume', 'RESUME_AUDIT'],
  ['cancel', 'CANCEL_AUDIT'],
  ['delete', 'DELETE_AUDIT'],
];

/**
 * What may be ordered for an audit.
 * @param isFull the disk is full: what begins work is refused
 */
export function auditPossible({ uuid, state }: Pick<AuditRow, 'uuid' | 'state'>, isFull = false): Possible[] {
  const moves = AUDIT_ORDERS.filter(([event]) =>
    AUDIT_TABLE.some((row) => row.event === event && row.from.includes(state)),
  ).map(([, verb]) => verb);
  return moves.filter((verb) => verb !== 'RESUME_AUDIT' || !isFull).map((verb) => ({ verb, resource: uuid }));
}

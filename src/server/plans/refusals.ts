/** Why a plan is not started, approved, cancelled or deleted, and what is possible instead. */
import { type CountermandError, failWith } from '../../core/errors.ts';
import { type Possible, possibleWords } from '../../core/possible.ts';
import { type ActionPlanEvent, isPlanAtRest } from '../../core/states.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { waitsForApproval } from './possible.ts';

/**
 * The error for a plan that another is in the way of.
 * @param again what could be said instead; null if the plan was not made
 */
export function overlaps(
  plan: ActionPlanRow,
  blocker: ActionPlanRow,
  again: 'START_ACTION_PLAN' | 'APPROVE_ACTION_PLAN' | null,
): CountermandError {
  const force = again === 'START_ACTION_PLAN' && plan.forced;
  const possible: Possible[] = again === null ? [] : [{ verb: again, resource: plan.uuid, queue: true, force }];
  const verb = again === 'APPROVE_ACTION_PLAN' ? 'approve' : 'start';
  return failWith(
    'ACTION_PLAN_OVERLAPS',
    `plan '${plan.name}' is about nodes of plan '${blocker.name}' (${blocker.uuid}), which is ${blocker.state}; wait for its end, ${verb} this plan with queue, or cancel that one`,
    {
      resource: { type: 'action_plan', name: plan.uuid },
      possible: [...possible, { verb: 'CANCEL_ACTION_PLAN', resource: blocker.uuid }],
      facts: { blocked_by: blocker.uuid },
    },
  );
}

/** The error for what the state of a plan does not allow. @param possible what it does allow */
export function wrongState(
  plan: ActionPlanRow,
  verb: ActionPlanEvent,
  possible: readonly Possible[],
): CountermandError {
  const nothing = isPlanAtRest(plan.state) ? 'nothing can be done with it any more' : 'wait until it is at rest';
  const instead = possible.length === 0 ? nothing : possibleWords(possible);
  const isTold = plan.state === 'SUPERSEDED' || waitsForApproval(plan);
  const why = isTold && plan.statusMessage !== '' ? `: ${plan.statusMessage}` : '';
  return failWith(
    'ACTION_PLAN_STATE',
    `plan '${plan.name}' (${plan.uuid}) is ${plan.state}; it cannot be ${PAST[verb]}${why}; ${instead}`,
    { resource: { type: 'action_plan', name: plan.uuid }, possible, facts: { state: plan.state } },
  );
}

const PAST: Partial<Record<ActionPlanEvent, string>> = {
  start: 'started',
  approve: 'approved',
  drop: 'rejected',
  cancel: 'cancelled',
  delete: 'deleted',
};

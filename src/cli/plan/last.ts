/** The plan that `plan cancel --last` means, or why it means none. */
import { type CountermandError, fail, failWith } from '../../core/errors.ts';
import { type ActionPlan, ActionPlanState, ApprovalState } from '../../gen/countermand/v1/action_plan.ts';
import { type Call, everyPage, PAGE_SIZE } from '../shared/asking.ts';
import { line } from '../shared/lines.ts';
import { shortId } from '../shared/short_ids.ts';
import { planState, planTitle, waitsForApproval } from './lines.ts';

/** The states of a plan that a cancel without a name looks for. One that is being cancelled already is joined. */
export const UNDER_WAY: readonly ActionPlanState[] = [
  ActionPlanState.PENDING,
  ActionPlanState.ONGOING,
  ActionPlanState.CANCELLING,
];

/** The states of a plan that may have been started, and is under way no more. */
const ENDED: readonly ActionPlanState[] = [
  ActionPlanState.SUCCEEDED,
  ActionPlanState.FAILED,
  ActionPlanState.CANCELLED,
  ActionPlanState.DELETED,
];

/** When a plan was started, in ms: one that a second person approved, when that was. 0 if it was not started. */
function startOf({ startedAt, approval }: ActionPlan): number {
  const approvedAt = approval?.state === ApprovalState.GIVEN ? approval.decidedAt?.getTime() : undefined;
  return Math.max(startedAt?.getTime() ?? 0, approvedAt ?? 0);
}

/**
 * The plan that was started last of these, if a cancel of it can only be what was meant. A cancel never falls back to an older
 * plan: whoever started it may want it to go on.
 * @param plans all that are under way, and those that ended and may have been started after them
 * @throws ACTION_PLAN_NOT_FOUND if none is under way; ACTION_PLAN_STATE, with the cancels that are possible, if the last one has
 *   ended, waits for a second person while others run, or was started at the same moment as another one
 */
export function lastStarted(plans: readonly ActionPlan[]): ActionPlan {
  const sorted = plans.toSorted((one, other) => startOf(other) - startOf(one));
  const underWay = sorted.filter(({ state }) => UNDER_WAY.includes(state));
  const [last, before] = sorted;
  if (last === undefined || underWay.length === 0)
    throw fail('ACTION_PLAN_NOT_FOUND', 'no plan runs or waits; nothing was cancelled');
  const title = `${planTitle(last)} (${shortId(last.uuid)})`;
  const isAlone = before === undefined || startOf(before) < startOf(last);
  if (!isAlone) throw refusal(`${title} and ${planTitle(before)} were started at the same moment`, underWay);
  if (!underWay.includes(last)) throw refusal(`${title} was started last, and has ended: ${planState(last)}`, underWay);
  if (waitsForApproval(last) && !underWay.every(waitsForApproval))
    throw refusal(`${title} was started last, and waits for a second person while others run`, underWay);
  return last;
}

/** The error that names each plan that could be meant, with the command to cancel it. */
function refusal(why: string, underWay: readonly ActionPlan[]): CountermandError {
  const named = underWay.map((plan) => `${planTitle(plan)} (${shortId(plan.uuid)}) ${planState(plan)}`);
  return failWith('ACTION_PLAN_STATE', line(`${why}; nothing was cancelled`, `under way: ${named.join(', ')}`), {
    possible: underWay.map(({ uuid }) => ({ verb: 'CANCEL_ACTION_PLAN', resource: uuid })),
  });
}

/** What `lastStarted` answers of the plans of the conductor; throws as it does. */
export async function findLast(call: Call): Promise<ActionPlan> {
  const underWay = await plansIn(UNDER_WAY, undefined, call);
  if (underWay.length === 0) return lastStarted([]);
  // Asked second: a plan that ended in between is found here, as it is now.
  const newest = new Date(Math.max(...underWay.map(startOf)));
  const ended = await plansIn(ENDED, newest, call);
  return lastStarted([...new Map([...underWay, ...ended].map((plan) => [plan.uuid, plan])).values()]);
}

async function plansIn(
  states: readonly ActionPlanState[],
  startedSince: Date | undefined,
  { conductor }: Call,
): Promise<ActionPlan[]> {
  const ask = (pageToken: string) =>
    conductor.plans.listActionPlans({ pageSize: PAGE_SIZE, pageToken, states: [...states], startedSince });
  const found: ActionPlan[] = [];
  for await (const { actionPlans } of everyPage(ask)) found.push(...actionPlans);
  return found;
}

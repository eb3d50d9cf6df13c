/** Plans and actions in tables. */
import {
  type Action,
  type ActionPlan,
  ActionPlanState,
  ActionState,
  ApprovalState,
  FailurePolicy,
} from '../../gen/countermand/v1/action_plan.ts';
import { byWords } from '../shared/actors.ts';
import { possibleCommands } from '../shared/possible.ts';
import { facts, table } from '../shared/table.ts';
import type { TimeText } from '../shared/times.ts';
import { enumName, firstNames, spanWords } from '../shared/words.ts';
import { actionWords, planState } from './lines.ts';
import { countsWords } from './list.ts';

/** What the argument PLAN takes. */
export const WHICH_PLAN =
  'name, uuid or request id of the plan; the first 8 digits of its uuid are enough. A name means the plan that has not ended';
/** How many parents of an action are named. */
const PARENTS_SHOWN = 3;

/** One plan, all that is known of it but its actions. */
export function planText(plan: ActionPlan, time: TimeText): string {
  const canary = plan.canary > 0 ? `, the first ${plan.canary} before the others` : '';
  return facts([
    ['plan', plan.uuid],
    ['name', plan.name],
    ['reason', plan.reason],
    ['state', planState(plan)],
    ['waits for', plan.approval?.state === ApprovalState.WANTED ? '' : plan.waitsFor],
    ['message', plan.errorCode ? '' : plan.statusMessage],
    ['error', plan.errorCode && `${plan.errorCode}: ${plan.errorMessage}`],
    ['actions', `${plan.size}: ${countsWords(plan)}`],
    ['runs', `at most ${plan.maxParallel} at once${canary}`],
    ['on failure', enumName(FailurePolicy, plan.onFailure)],
    ['rollback of', plan.rollbackOf],
    ['rolled back by', plan.rolledBackBy],
    ['audit', plan.auditUuid],
    ['efficacy', plan.globalEfficacy.map(({ name, value, unit }) => `${name} ${value}${unit}`).join(', ')],
    ['request id', plan.requestId],
    ['made', [time(plan.createdAt), byWords(plan.createdBy)].join('')],
    ['started', [time(plan.startedAt), byWords(plan.startedBy)].join('')],
    ['approval', approvalWords(plan, time)],
    ['launched', time(plan.launchedAt)],
    ['gives up at', time(plan.cancelDeadlineAt)],
    ['ended', time(plan.endedAt)],
    ['roll back until', time(plan.rollbackUntil)],
    ['possible', possibleCommands(plan.possibleOrders).join('; ')],
  ]);
}

/** What a second person has said, or who can and why. */
function approvalWords({ approval, state }: ActionPlan, time: TimeText): string {
  if (approval === undefined) return '';
  if (approval.state === ApprovalState.WANTED)
    return state === ActionPlanState.PENDING
      ? `wanted: ${approval.why}; from ${approval.whoMay}`
      : `not decided yet; it was wanted: ${approval.why}`;
  const word = approval.state === ApprovalState.GIVEN ? 'approved' : 'rejected';
  return `${word} ${time(approval.decidedAt)}${byWords(approval.decidedBy)}; it was wanted: ${approval.why}`;
}

/** The actions of a plan, one per row, with their parents by name. */
export function actionTable(actions: readonly Action[], nowMs: number): string {
  const names = new Map(actions.map(({ uuid, name }) => [uuid, name]));
  const rows = actions.map((action) => [
    action.name,
    actionWords(action),
    enumName(ActionState, action.state),
    tookWords(action, nowMs),
    parentsWords(action.parents.map((uuid) => names.get(uuid) ?? uuid)),
    action.errorMessage || action.statusMessage,
  ]);
  return table(['ACTION', 'DOES', 'STATE', 'TOOK', 'PARENTS', 'MESSAGE'], rows);
}

function tookWords({ startedAt, endedAt }: Action, nowMs: number): string {
  return startedAt === undefined ? '' : spanWords((endedAt?.getTime() ?? nowMs) - startedAt.getTime());
}

function parentsWords(names: readonly string[]): string {
  return firstNames(names, PARENTS_SHOWN);
}

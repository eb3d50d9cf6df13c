/** --dry-run: what an order about a plan would do. The conductor is asked, and nothing is written. */
import { Option } from 'commander';
import { fail, failWith } from '../../core/errors.ts';
import {
  type ActionPlan,
  ActionPlanState,
  ActionState,
  type PreviewActionPlanRequest,
  PreviewActionPlanResponse,
  PreviewRollbackResponse,
} from '../../gen/countermand/v1/action_plan.ts';
import { type Call, present } from '../shared/asking.ts';
import { effectText, NOTHING_WRITTEN } from '../shared/effect_text.ts';
import { oneLine } from '../shared/harmless.ts';
import { ordersOf } from '../shared/possible.ts';
import { enumName } from '../shared/words.ts';
import { planHasEnded } from './view.ts';

/** The flag of an order that can be looked at before it is given. */
export function dryRunOption(
  does = 'only say which nodes it affects, what can be taken back, and which plans it meets',
): Option {
  return new Option('--dry-run', does);
}

/**
 * Tells what the start of a plan would do, also of one that does not exist yet.
 * @param how it is started, or only made, or it is one power order, which no plan queues
 * @throws whatever refuses the plan, ACTION_PLAN_STATE if it was started already, NODE_FROZEN, APPROVAL_NEEDED for one power order
 */
export async function tellStart(
  request: Partial<PreviewActionPlanRequest>,
  call: Call,
  how: 'start' | 'make' | 'order' = 'start',
): Promise<void> {
  const answer = await call.conductor.plans.previewActionPlan(request);
  const state = answer.actionPlan?.state ?? ActionPlanState.RECOMMENDED;
  if (state !== ActionPlanState.RECOMMENDED)
    throw fail(
      'ACTION_PLAN_STATE',
      `plan '${answer.actionPlan?.name}' is ${enumName(ActionPlanState, state)}: only a RECOMMENDED plan can be started`,
    );
  const { refused, approvalWhy } = answer;
  if (refused !== '' && how !== 'make') throw fail('NODE_FROZEN', refused);
  if (approvalWhy !== '' && how === 'order')
    throw fail(
      'APPROVAL_NEEDED',
      `the order needs a second person: ${approvalWhy}; make a plan of it, which waits for one; aborts need none`,
    );
  const manner = how === 'order' ? 'order' : request.queue ? 'queue' : 'start';
  call.output.message(PreviewActionPlanResponse, answer, () =>
    [
      effectText(present(answer.effect, 'an effect'), answer.takesDown, manner),
      ...heldBackLines(answer),
      NOTHING_WRITTEN,
    ].join('\n'),
  );
}

/** What would hold a plan back if it were started now, a line for each. */
export function heldBackLines({
  refused,
  approvalWhy,
}: Pick<PreviewActionPlanResponse, 'refused' | 'approvalWhy'>): string[] {
  return [
    ...(refused === '' ? [] : [oneLine(`its start would be refused now: ${refused}`)]),
    ...(approvalWhy === '' ? [] : [oneLine(`its start would wait for a second person: ${approvalWhy}`)]),
  ];
}

/**
 * Tells what a cancel would do, and the rollback after it.
 * @throws ACTION_PLAN_STATE, as the cancel does, for a plan that has ended; but one that was cancelled may be cancelled again
 */
export async function tellCancel(name: string, rollback: boolean, call: Call): Promise<void> {
  const answer = await call.conductor.plans.previewRollback({ actionPlan: name });
  const plan = present(answer.actionPlan, 'an action plan');
  const isOver = rollback ? answer.cancelWithRollbackIsOver : answer.cancelIsOver;
  if (planHasEnded(plan) && !isOver)
    throw failWith(
      'ACTION_PLAN_STATE',
      `plan '${plan.name}' (${plan.uuid}) is ${enumName(ActionPlanState, plan.state)}; it cannot be cancelled`,
      { resource: { type: 'action_plan', name: plan.uuid }, possible: ordersOf(plan.possibleOrders) },
    );
  call.output.message(PreviewRollbackResponse, answer, () =>
    [
      cancelWords(plan),
      ...(rollback && !isOver
        ? [
            'the rollback, as far as the plan has run now:',
            effectText(present(answer.effect, 'an effect'), answer.takesDown, 'order'),
          ]
        : []),
      NOTHING_WRITTEN,
    ].join('\n'),
  );
}

function cancelWords(plan: ActionPlan): string {
  const { name, counts, state } = plan;
  if (planHasEnded(plan))
    return `plan '${name}' was cancelled already, and is ${enumName(ActionPlanState, state)}; nothing would change`;
  const of = (state: ActionState): number => counts.find((one) => one.state === state)?.count ?? 0;
  const [pending, ongoing] = [of(ActionState.PENDING), of(ActionState.ONGOING)];
  if (state === ActionPlanState.CANCELLING)
    return `plan '${name}' is CANCELLING already, and ${of(ActionState.CANCELLING)} of its actions are being taken back`;
  return `plan '${name}': ${pending} of its actions would never begin, and ${ongoing} that run would be taken back as far as the hardware allows`;
}

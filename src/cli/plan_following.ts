/** Following a plan until it is at rest. Whatever ends the following, the plan goes on. */
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import { type ActionPlan, WatchActionPlanResponse } from '../gen/countermand/v1/action_plan.ts';
import { type Call, present } from './asking.ts';
import { inDoubt, stoppedWatching } from './following.ts';
import { planFailure, planLine } from './plan_lines.ts';
import { openPlanProgress, type PlanProgress } from './plan_progress.ts';
import { type PlanMessage, planHasEnded } from './plan_view.ts';

/** What is followed. */
export interface FollowedPlan {
  /** How the plan was named. */
  readonly name: string;
  /** True if the stream itself gives the order to cancel: then to be CANCELLED is what was asked. */
  readonly cancels: boolean;
  /** False to end after the first message: the cancel is committed. */
  readonly wait: boolean;
  /** The plan as far as it is known. */
  readonly plan?: ActionPlan;
}

/**
 * Shows a plan as its stream tells it, until it is at rest.
 * @throws what the plan ended with; the error of a stream that broke; CALL_ENDED on the abort. The latter two say how to
 * watch it again and how to cancel it.
 */
export async function followPlan(
  stream: AsyncIterable<PlanMessage>,
  followed: FollowedPlan,
  call: Call,
): Promise<void> {
  const progress = followed.wait ? openPlanProgress(call) : accepted(call);
  let last = followed.plan ?? null;
  try {
    for await (const message of stream) {
      last = present(message.actionPlan, 'an action plan');
      progress.show({ ...message, actionPlan: last });
      if (!followed.wait) break;
    }
    if (last === null || (followed.wait && !planHasEnded(last)))
      throw fail('CONDUCTOR_UNREACHABLE', `the conductor at ${call.conductor.address} ended the stream`);
  } catch (thrown) {
    const error = asCountermandError(thrown);
    throw last === null ? beforeTheFirst(error, followed, call) : whileWatching(error, last, followed, call);
  } finally {
    progress.end();
  }
  const failure = planHasEnded(last) ? planFailure(last, followed.cancels) : null;
  if (failure) throw failure;
}

/** Tells only that the order was accepted. */
function accepted({ output }: Call): PlanProgress {
  return {
    show: ({ actionPlan }) =>
      output.message(WatchActionPlanResponse, { actionPlan, actions: [] }, () => planLine(actionPlan)),
    end: () => {},
  };
}

function beforeTheFirst(error: CountermandError, { name, cancels }: FollowedPlan, { command }: Call): CountermandError {
  return cancels ? inDoubt(error, 'the cancel was accepted', `${command} plan show ${name}`) : error;
}

function whileWatching(
  error: CountermandError,
  { uuid, possible }: ActionPlan,
  { cancels }: FollowedPlan,
  call: Call,
): CountermandError {
  const cancel = possible.filter((words) => words.startsWith('plan cancel '));
  const paste = [
    ['watch it', `${call.command} plan watch ${uuid}`] as const,
    ...cancel.map((words) => ['cancel it', `${call.command} ${words}`] as const),
  ];
  return stoppedWatching(error, cancels ? 'the cancel goes on' : 'the plan goes on', paste, call);
}

/** Following a plan until it is at rest, and then the plan that undoes it. Whatever ends the following, the plans go on. */
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import {
  type ActionPlan,
  ActionPlanState,
  FailurePolicy,
  WatchActionPlanResponse,
} from '../../gen/countermand/v1/action_plan.ts';
import { type Call, present } from '../shared/asking.ts';
import { inDoubt, stoppedWatching } from '../shared/following.ts';
import { line } from '../shared/lines.ts';
import { quoted } from '../shared/pasting.ts';
import { possibleCommands } from '../shared/possible.ts';
import { firstNames } from '../shared/words.ts';
import { planFailure, planLine, planState, planTitle } from './lines.ts';
import { openPlanProgress, type PlanProgress } from './progress.ts';
import { type PlanMessage, planHasEnded } from './view.ts';

/** What is followed. */
export interface FollowedPlan {
  /** How to ask for the plan before its first message came. */
  readonly name: string;
  /** The order that the stream itself gives. After a cancel, to be CANCELLED is what was asked. */
  readonly gives: 'nothing' | 'cancel' | 'rollback';
  /** The cancel is to go on to roll back: then what counts is how that ends. */
  readonly rollsBack?: boolean;
  /** False to end after the first message: the order is committed. */
  readonly wait: boolean;
  /** The plan as far as it is known. */
  readonly plan?: ActionPlan;
}

/**
 * Shows a plan as its stream tells it, until it is at rest. If it failed or was cancelled and is being undone, the plan
 * that undoes it is shown as well.
 * @throws what the plan ended with, or its rollback if the cancel was to go on to that; the error of a stream that broke;
 * CALL_ENDED on the abort. The latter two say how to watch it again and how to cancel it.
 */
export async function followPlan(
  stream: AsyncIterable<PlanMessage>,
  followed: FollowedPlan,
  call: Call,
): Promise<void> {
  const failure = await followToItsEnd(stream, followed, call);
  if (failure) throw failure;
}

/** Resolves with the error that it ended with, or null if it did what was asked. */
async function followToItsEnd(
  stream: AsyncIterable<PlanMessage>,
  followed: FollowedPlan,
  call: Call,
): Promise<CountermandError | null> {
  const { plan, givenUp } = await showPlan(stream, followed, call);
  if (!planHasEnded(plan)) return null;
  const failure = planFailure(plan, followed.gives === 'cancel') ?? cancelFailure(plan, givenUp);
  const rollback = followed.wait && mayBeUndone(plan, followed) ? await findRollback(plan, followed, call) : null;
  if (rollback === null) return failure;
  const undoing = call.conductor.plans.watchActionPlan({ actionPlan: rollback });
  const end = await followToItsEnd(undoing, { name: rollback, gives: 'nothing', wait: true }, call);
  return followed.rollsBack ? end : failure;
}

/** At most this many actions are named. */
const NAMED = 10;

/** The error of a cancelled plan of which some orders could only be given up; null if there are none. */
function cancelFailure(plan: ActionPlan, givenUp: readonly string[]): CountermandError | null {
  if (plan.state !== ActionPlanState.CANCELLED || givenUp.length === 0) return null;
  const names = firstNames(givenUp, NAMED);
  return fail(
    'ABORT_STOPPED_WAITING',
    line(
      `${planTitle(plan)} ${planState(plan)}`,
      `${givenUp.length} of its orders were sent and may still take effect: ${names}`,
    ),
  );
}

/** One that is cancelled from here is undone only if that was asked. */
function mayBeUndone({ state }: ActionPlan, { gives, rollsBack = false }: FollowedPlan): boolean {
  const { FAILED, CANCELLED } = ActionPlanState;
  return (state === FAILED || state === CANCELLED) && (rollsBack || gives !== 'cancel');
}

/** The plan that undoes one that has ended, which its last message need not name; null if there is none. */
async function findRollback({ uuid }: ActionPlan, followed: FollowedPlan, call: Call): Promise<string | null> {
  const { conductor, output } = call;
  const answer = await conductor.plans.getActionPlan({ actionPlan: uuid, pageSize: 1 });
  const plan = present(answer.actionPlan, 'an action plan');
  const { rolledBackBy, state, onFailure, statusMessage } = plan;
  const isWanted = followed.rollsBack || (state === ActionPlanState.FAILED && onFailure === FailurePolicy.ROLLBACK);
  if (rolledBackBy !== '') output.say(line(`${planTitle(plan)} is being rolled back`, statusMessage));
  else if (isWanted) output.say(`${planTitle(plan)} is not rolled back: it changed nothing that could be undone`);
  return rolledBackBy === '' ? null : rolledBackBy;
}

/** A plan as it was when the watching ended. */
interface Shown {
  readonly plan: ActionPlan;
  /** The names of the actions whose orders were sent and could only be given up. */
  readonly givenUp: readonly string[];
}

/** Shows a plan until it is at rest, or until its first message if the caller does not wait. Resolves with it as it then is. */
async function showPlan(stream: AsyncIterable<PlanMessage>, followed: FollowedPlan, call: Call): Promise<Shown> {
  const givenUp = new Map<string, string>();
  const progress = followed.wait ? await openPlanProgress(call) : accepted(call);
  let last = followed.plan ?? null;
  try {
    for await (const message of stream) {
      last = present(message.actionPlan, 'an action plan');
      progress.show({ ...message, actionPlan: last });
      for (const { uuid, name, result } of message.actions ?? [])
        if (result?.abort_outcome === 'STOPPED_WAITING') givenUp.set(uuid, name);
      if (!followed.wait) break;
      call.watchReader();
    }
    if (last === null || (followed.wait && !planHasEnded(last)))
      throw fail('CONDUCTOR_UNREACHABLE', `the conductor at ${call.conductor.address} ended the stream`);
    return { plan: last, givenUp: [...givenUp.values()] };
  } catch (thrown) {
    const error = asCountermandError(thrown);
    throw last === null ? beforeTheFirst(error, followed, call) : whileWatching(error, last, followed, call);
  } finally {
    progress.end();
  }
}

/** Tells only that the order was accepted. */
function accepted({ output }: Call): PlanProgress {
  return {
    show: ({ actionPlan }) =>
      output.message(WatchActionPlanResponse, { actionPlan, actions: [] }, () => planLine(actionPlan)),
    end: () => {},
  };
}

function beforeTheFirst(error: CountermandError, { name, gives }: FollowedPlan, { command }: Call): CountermandError {
  return gives === 'nothing'
    ? error
    : inDoubt(error, `the ${gives} was accepted`, `${command} plan show ${quoted(name)}`);
}

function whileWatching(
  error: CountermandError,
  { uuid, possibleOrders }: ActionPlan,
  { gives, rollsBack = false }: FollowedPlan,
  call: Call,
): CountermandError {
  const cancel = possibleCommands(possibleOrders, 'CANCEL_ACTION_PLAN');
  const paste = [
    ['watch it', `${call.command} plan watch ${uuid}`] as const,
    ...cancel.map((words) => ['cancel it', `${call.command} ${words}`] as const),
  ];
  const order = rollsBack ? 'cancel, and then the rollback,' : gives;
  return stoppedWatching(error, `the ${gives === 'nothing' ? 'plan' : order} goes on`, paste, call);
}

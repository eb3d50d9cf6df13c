/** Cancels of several plans, given side by side: one that is refused holds up none of the others. */
import { asCountermandError, fail } from '../../core/errors.ts';
import { type ActionPlan, WatchActionPlanResponse } from '../../gen/countermand/v1/action_plan.ts';
import { type Call, present } from '../shared/asking.ts';
import { inDoubt } from '../shared/following.ts';
import { oneLine } from '../shared/harmless.ts';
import { type Missed, rankOfEnding, worstOf } from '../shared/many.ts';
import { shortId } from '../shared/short_ids.ts';
import { followPlan } from './following.ts';
import { planLine } from './lines.ts';

/** How plans are cancelled. */
interface ManyCancels {
  readonly reason: string;
  /** False to end as soon as every cancel is committed. */
  readonly wait: boolean;
}

/**
 * Cancels several plans. Every cancel is committed before the first plan is followed to its end, and each whose outcome is not
 * what was asked for is told on a line of its own.
 * @throws one error for all of those, with the code of the most serious; on the end of the call that error, which says how to watch
 *   the plan on: the cancels that were committed go on
 */
export async function cancelMany(plans: readonly ActionPlan[], how: ManyCancels, call: Call): Promise<void> {
  const missed: Missed[] = [];
  const miss = ({ uuid, name }: ActionPlan, thrown: unknown): void => {
    const error = asCountermandError(thrown);
    const what = `'${name}' (${shortId(uuid)})`;
    call.output.say(oneLine(`${what}: ${error.message}`));
    missed.push({ what, error });
  };
  const committed = await Promise.all(
    plans.map((plan) =>
      commitCancel(plan, how.reason, call).then(
        () => [plan],
        (thrown) => {
          miss(plan, thrown);
          return [];
        },
      ),
    ),
  );
  if (how.wait)
    for (const plan of committed.flat()) {
      const stream = call.conductor.plans.watchActionPlan({ actionPlan: plan.uuid });
      try {
        await followPlan(stream, { name: plan.uuid, gives: 'cancel', wait: true }, call);
      } catch (thrown) {
        if (call.signal.aborted) throw thrown;
        miss(plan, thrown);
      }
    }
  if (missed.length === 0) return;
  throw worstOf(
    missed,
    (names, { what, error }) =>
      `${missed.length} of ${plans.length} cancels did not end as asked: ${names}; ${what}: ${error.message}`,
    rankOfEnding,
  );
}

/** Resolves when the cancel of a plan is committed. */
async function commitCancel({ uuid }: ActionPlan, reason: string, { conductor, output, command }: Call): Promise<void> {
  try {
    for await (const { actionPlan } of conductor.plans.cancelActionPlan({ actionPlan: uuid, reason })) {
      const plan = present(actionPlan, 'an action plan');
      output.message(WatchActionPlanResponse, { actionPlan: plan, actions: [] }, () => planLine(plan));
      return;
    }
    throw fail('CONDUCTOR_UNREACHABLE', `the conductor at ${conductor.address} ended the stream`);
  } catch (thrown) {
    throw inDoubt(asCountermandError(thrown), 'the cancel was accepted', `${command} plan show ${uuid}`);
  }
}

/** Several cancels at once: each refusal is told, the most serious one counts, and what was not confirmed is no success. */
import test from 'ava';
import { cancelMany } from '../../../src/cli/plan/cancel_many.ts';
import type { Call } from '../../../src/cli/shared/asking.ts';
import { CountermandError, type ErrorCode, fail } from '../../../src/core/errors.ts';
import {
  ActionPlan,
  ActionPlanState,
  CancelActionPlanResponse,
  WatchActionPlanResponse,
} from '../../../src/gen/countermand/v1/action_plan.ts';
import { type Captured, callOf as disconnected, openCaptured } from '../captured.ts';

const planOf = (name: string, state: keyof typeof ActionPlanState = 'ONGOING'): ActionPlan =>
  ActionPlan.fromPartial({ uuid: `uuid-of-${name}`, name, state: ActionPlanState[state] });

/** What the conductor does about a plan: it refuses the cancel, ends the stream without a word, or ends the plan like this. */
type Answer = { readonly refuses: ErrorCode } | { readonly ends: keyof typeof ActionPlanState } | 'nothing';

function callOf(captured: Captured, answers: Readonly<Record<string, Answer>>): Call {
  const call = disconnected(captured);
  const of = (uuid = ''): [name: string, answer: Answer] => {
    const name = uuid.replace('uuid-of-', '');
    return [name, answers[name] ?? 'nothing'];
  };
  const plans = {
    async *cancelActionPlan({ actionPlan = '' }) {
      const [name, answer] = of(actionPlan);
      if (answer === 'nothing') return;
      if ('refuses' in answer) throw fail(answer.refuses, `the cancel of ${name} is refused`);
      yield CancelActionPlanResponse.create({ actionPlan: planOf(name, 'CANCELLING'), actions: [] });
    },
    async *watchActionPlan({ actionPlan = '' }) {
      const [name, answer] = of(actionPlan);
      const state = typeof answer === 'object' && 'ends' in answer ? answer.ends : 'ONGOING';
      yield WatchActionPlanResponse.create({ actionPlan: planOf(name, state), actions: [] });
    },
  };
  return { ...call, conductor: { ...call.conductor, plans: { ...call.conductor.plans, ...plans } } };
}

async function cancel(answers: Readonly<Record<string, Answer>>, wait: boolean) {
  const captured = openCaptured();
  const plans = Object.keys(answers).map((name) => planOf(name));
  const error = await cancelMany(plans, { reason: '', wait }, callOf(captured, answers)).then(
    () => null,
    (thrown) => thrown,
  );
  return { error, lines: captured.stdout().split('\n') };
}

const CANCELLED = { ends: 'CANCELLED' } as const;

test('all that is refused is told, and the exit code is that of the most serious', async (t) => {
  for (const wait of [true, false]) {
    const { error, lines } = await cancel(
      {
        gone: { refuses: 'ACTION_PLAN_STATE' },
        rack1: CANCELLED,
        unheard: { refuses: 'CONDUCTOR_UNREACHABLE' },
        denied: { refuses: 'PERMISSION_DENIED' },
        sent: { refuses: 'ABORT_STOPPED_WAITING' },
      },
      wait,
    );
    t.true(error instanceof CountermandError);
    t.is(error.code, 'CONDUCTOR_UNREACHABLE');
    t.regex(error.message, /^4 of 5 cancels did not end as asked: 'gone' .*, 'unheard' .*, 'denied' .*, 'sent' \(/);
    for (const name of ['gone', 'unheard', 'denied', 'sent'])
      t.true(
        lines.some((line) => line.startsWith(`'${name}' (uuid-of-): the cancel of ${name} is refused`)),
        name,
      );
    t.true(lines.some((line) => line.startsWith(wait ? "plan 'rack1' CANCELLED" : "plan 'rack1' ")));
  }
  t.is((await cancel({ rack1: CANCELLED, rack2: CANCELLED }, true)).error, null);
});

test('a cancel that was accepted, and had another outcome', async (t) => {
  const { error, lines } = await cancel({ rack1: { ends: 'FAILED' }, rack2: CANCELLED }, true);
  t.regex(error.message, /^1 of 2 cancels did not end as asked: 'rack1' \(uuid-of-\); .*FAILED/);
  t.true(lines.some((line) => line.startsWith("plan 'rack2' CANCELLED")));
});

test('a cancel without an answer is not confirmed, also without waiting', async (t) => {
  const { error, lines } = await cancel({ rack1: 'nothing', rack2: CANCELLED }, false);
  t.true(error instanceof CountermandError);
  t.is(error.code, 'CONDUCTOR_UNREACHABLE');
  t.regex(
    error.message,
    /ended the stream\n {2}whether the cancel was accepted shows: countermand plan show uuid-of-rack1/,
  );
  t.true(lines.some((line) => line.includes('whether the cancel was accepted shows')));
});

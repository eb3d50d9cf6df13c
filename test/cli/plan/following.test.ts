/** A plan on its way, as people and programs see it. */

import test, { type ExecutionContext } from 'ava';
import { type FollowedPlan, followPlan } from '../../../src/cli/plan/following.ts';
import { liveText } from '../../../src/cli/plan/lines.ts';
import { type PlanMessage, PlanView } from '../../../src/cli/plan/view.ts';
import type { Call } from '../../../src/cli/shared/asking.ts';
import { CountermandError, type ErrorCode, fail } from '../../../src/core/errors.ts';
import {
  Action,
  ActionPlan,
  ActionPlanState,
  ActionState,
  GetActionPlanResponse,
  WatchActionPlanResponse,
} from '../../../src/gen/countermand/v1/action_plan.ts';
import { PossibleVerb } from '../../../src/gen/countermand/v1/power.ts';
import { type Captured, callOf as disconnected, openCaptured } from '../captured.ts';

const AT = (seconds: number): Date => new Date(seconds * 1000);

const planIn = (state: keyof typeof ActionPlanState, size = 3, more: Partial<ActionPlan> = {}): ActionPlan =>
  ActionPlan.fromPartial({
    uuid: 'plan-1',
    name: 'rack 7 down',
    state: ActionPlanState[state],
    size,
    maxParallel: 2,
    launchedAt: AT(0),
    possibleOrders: state === 'ONGOING' ? [{ verb: PossibleVerb.CANCEL_ACTION_PLAN, resource: 'plan-1' }] : [],
    ...(state === 'FAILED' ? { errorCode: 'ACTION_FAILED', errorMessage: "action 'n1' failed: no answer" } : {}),
    ...more,
  });

const actionIn = (name: string, state: keyof typeof ActionState, more: Partial<Action> = {}): Action =>
  Action.fromPartial({
    uuid: `action-${name}`,
    name,
    actionType: 'change_node_power_state',
    inputParameters: { resource_id: name, state: 'soft power off' },
    state: ActionState[state],
    startedAt: state === 'PENDING' ? undefined : AT(1),
    endedAt: ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(state) ? AT(5) : undefined,
    ...more,
  });
const dropped = (name: string): Action =>
  actionIn(name, 'CANCELLED', { startedAt: undefined, endedAt: AT(5), statusMessage: 'the plan was cancelled' });

async function* streamOf(messages: readonly PlanMessage[], error?: Error): AsyncGenerator<PlanMessage> {
  yield* messages;
  if (error) throw error;
}

const WATCH: FollowedPlan = { name: 'rack 7 down', gives: 'nothing', wait: true };
const CANCEL: FollowedPlan = { ...WATCH, gives: 'cancel' };

const ROLLBACK = { uuid: 'plan-2', name: 'rollback of rack 7 down' };

/** A call to a conductor that answers what has become of the plan, and what undoes it. */
function callOf(
  captured: Captured,
  json = false,
  became: ActionPlan = planIn('FAILED'),
  rollback: readonly PlanMessage[] = [],
): Call {
  const call = disconnected(captured, json);
  const plans = {
    getActionPlan: async ({ actionPlan }: { actionPlan?: string }) =>
      GetActionPlanResponse.create({ actionPlan: actionPlan === became.uuid ? became : planIn('FAILED', 1, ROLLBACK) }),
    watchActionPlan: async function* () {
      for (const message of rollback)
        yield WatchActionPlanResponse.create({ ...message, actions: [...(message.actions ?? [])] });
    },
  };
  return { ...call, conductor: { ...call.conductor, plans: { ...call.conductor.plans, ...plans } } };
}
const BEGIN: PlanMessage = {
  actionPlan: planIn('ONGOING'),
  actions: [actionIn('n1', 'ONGOING'), actionIn('n2', 'ONGOING'), actionIn('n3', 'PENDING')],
};
const TO_CANCELLED: readonly PlanMessage[] = [
  BEGIN,
  { actionPlan: planIn('ONGOING'), actions: [actionIn('n1', 'SUCCEEDED')] },
  { actionPlan: planIn('CANCELLING') },
  { actionPlan: planIn('CANCELLING'), actions: [actionIn('n2', 'CANCELLING')] },
  {
    actionPlan: planIn('CANCELLED', 3, { endedAt: AT(9), statusMessage: 'cancelled: wrong rack' }),
    actions: [dropped('n3'), actionIn('n2', 'CANCELLED', { statusMessage: 'RECALLED: it runs on' })],
  },
];

test('changes are told one by one, and the end with what was not told', async (t) => {
  const captured = openCaptured();
  const error = await t.throwsAsync(followPlan(streamOf(TO_CANCELLED), WATCH, callOf(captured)), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'ACTION_PLAN_CANCELLED');
  t.is(error.message, "plan 'rack 7 down' CANCELLED; cancelled: wrong rack");
  t.deepEqual(captured.stdout().split('\n'), [
    "plan 'rack 7 down' (plan-1) ONGOING; 3 actions, at most 2 at once",
    'a cancel would abort 2 × soft power off: taken back if its BMC can, else only no longer waited for; never begin 1',
    'n1: soft power off ONGOING',
    'n2: soft power off ONGOING',
    'n1: soft power off SUCCEEDED after 4s',
    "plan 'rack 7 down' CANCELLING",
    'n2: soft power off CANCELLING',
    'n2: soft power off CANCELLED after 4s; RECALLED: it runs on',
    'n3: soft power off CANCELLED; the plan was cancelled',
    "plan 'rack 7 down' CANCELLED after 9s; 1 of 3 done, 1 cancelled, 1 never begun",
    '',
  ]);
});

test('for who cancels, CANCELLED is success', async (t) => {
  await t.notThrowsAsync(followPlan(streamOf(TO_CANCELLED), CANCEL, callOf(openCaptured())));
});

test('a plan that failed fails the command, also for who cancels', async (t) => {
  const failed = {
    actionPlan: planIn('FAILED', 1),
    actions: [actionIn('n1', 'FAILED', { errorMessage: 'no answer' })],
  };
  for (const followed of [WATCH, CANCEL]) {
    const captured = openCaptured();
    const error = await t.throwsAsync(followPlan(streamOf([failed]), followed, callOf(captured)), {
      instanceOf: CountermandError,
    });
    t.is(error.code, 'ACTION_FAILED');
    t.regex(error.message, /action 'n1' failed: no answer/);
    t.regex(
      captured.stdout(),
      /^n1: soft power off FAILED after 4s; no answer\nplan 'rack 7 down' FAILED; 0 of 1 done/,
    );
  }
});

test('a plan that will never run is no success', async (t) => {
  for (const state of ['SUPERSEDED', 'DELETED'] as const) {
    const gone = streamOf([{ actionPlan: planIn(state, 0) }]);
    const error = await t.throwsAsync(followPlan(gone, WATCH, callOf(openCaptured())), {
      instanceOf: CountermandError,
    });
    t.is(error.code, 'ACTION_PLAN_STATE');
  }
});

test('with --json every message is a line', async (t) => {
  const captured = openCaptured();
  await followPlan(streamOf(TO_CANCELLED), CANCEL, callOf(captured, true));
  const lines = captured
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.deepEqual(
    lines.map(({ actionPlan, actions }) => [actionPlan.state, actions?.length]),
    [
      ['ONGOING', 3],
      ['ONGOING', 1],
      ['CANCELLING', 0],
      ['CANCELLING', 1],
      ['CANCELLED', 2],
    ],
  );
  t.is(lines[0].actions[2].state, 'PENDING');
});

test('Ctrl-C leaves the last state of the plan on the terminal', async (t) => {
  const captured = openCaptured(true);
  const messages = TO_CANCELLED.slice(0, 1);
  await t.throwsAsync(followPlan(streamOf(messages, fail('CALL_ENDED', 'stopped')), WATCH, callOf(captured)));
  // A line that is taken away is cleared after it was written.
  const esc = String.fromCharCode(27);
  t.notRegex(captured.stdout().split('ONGOING').at(-1) ?? '', new RegExp(`${esc}\\[(2K|0?J|1A)`));
});

test('the live text has as many rows as the terminal, a share that is done, and the time that is left', (t) => {
  const view = new PlanView(planIn('ONGOING', 100));
  const stateAt = (at: number) => (at < 20 ? 'SUCCEEDED' : at < 30 ? 'ONGOING' : 'PENDING');
  view.take({ actions: Array.from({ length: 100 }, (_, at) => actionIn(`n${at}`, stateAt(at))) });
  for (const rows of [10, 24, 60]) t.true(liveText(view, 60_000, rows).split('\n').length < rows, `${rows} rows`);
  const [head, ...lines] = liveText(view, 60_000, 60).split('\n');
  t.regex(head ?? '', /; 20%, about 4m left; 20 of 100 done, 10 run, 70 wait$/);
  t.is(lines.filter((line) => line.startsWith('  runs ')).length, 10);
  t.true(lines.filter((line) => line.startsWith('  waits ')).length > 40);
});

test('on a terminal there are a few live lines, and at the end plain ones', async (t) => {
  const captured = openCaptured(true);
  await followPlan(streamOf(TO_CANCELLED), CANCEL, callOf(captured));
  t.regex(captured.stdout(), /ONGOING .*; 0 of 3 done, 2 run, 1 wait\n {2}runs {7}n1: soft power off for /);
  t.regex(
    captured.stdout(),
    /\n {2}waits {6}n3: soft power off; for room: at most 2 run at once\n {2}a cancel would abort 2/,
  );
  t.regex(
    captured.stdout(),
    /n2: soft power off CANCELLED.*\nn3: .*\nplan 'rack 7 down' CANCELLED after 9s; 1 of 3 done.*\n$/,
  );
});

test('a large plan: a line for each tenth, and its worst ends', async (t) => {
  const size = 5000;
  const names = Array.from({ length: size }, (_, at) => `n${at}`);
  const batches = (state: keyof typeof ActionState, from = 0) =>
    Array.from({ length: (size - from) / 500 }, (_, at) => ({
      actionPlan: planIn('ONGOING', size),
      actions: names.slice(from + at * 500, from + at * 500 + 500).map((name) => actionIn(name, state)),
    }));
  const end = {
    actionPlan: planIn('FAILED', size, { endedAt: AT(60) }),
    actions: names.slice(0, 100).map((name) => actionIn(name, 'FAILED', { errorMessage: 'no answer' })),
  };
  const captured = openCaptured();
  const stream = streamOf([...batches('PENDING'), ...batches('SUCCEEDED', 500), end]);
  await t.throwsAsync(followPlan(stream, WATCH, callOf(captured)));
  const lines = captured.stdout().trimEnd().split('\n');
  t.is(lines.length, 2 + 9 + 20 + 2);
  t.is(lines[2], '500 of 5000 done, 4500 wait');
  t.is(lines.at(-3), 'n19: soft power off FAILED after 4s; no answer');
  t.is(lines.at(-2), 'and 80 more; countermand plan show plan-1');
  t.is(lines.at(-1), "plan 'rack 7 down' FAILED after 1m; 4500 of 5000 done, 400 wait, 100 failed");
});

test('without waiting, the first message is the last', async (t) => {
  const captured = openCaptured();
  const stream = streamOf([{ actionPlan: planIn('CANCELLING') }, { actionPlan: planIn('CANCELLED') }]);
  await followPlan(stream, { ...CANCEL, wait: false }, callOf(captured));
  t.is(captured.stdout(), "plan 'rack 7 down' (plan-1) CANCELLING; 3 actions, at most 2 at once\n");
});

const breaks = test.macro(
  async (
    t: ExecutionContext,
    messages: readonly PlanMessage[],
    error: Error | undefined,
    gives: FollowedPlan['gives'],
    code: ErrorCode,
    lines: readonly string[],
  ) => {
    const following = followPlan(streamOf(messages, error), { ...WATCH, gives }, callOf(openCaptured()));
    const thrown = await t.throwsAsync(following, { instanceOf: CountermandError });
    t.is(thrown.code, code);
    t.deepEqual(thrown.message.split('\n'), [...lines]);
  },
);
const STOPPED = fail('CALL_ENDED', 'stopped');
const BROKEN = fail('CONDUCTOR_UNREACHABLE', 'the connection broke');
const WATCH_IT = '  watch it: countermand plan watch plan-1';
test('Ctrl-C: the plan goes on, and how to cancel it', breaks, [BEGIN], STOPPED, 'nothing', 'CALL_ENDED', [
  'stopped watching; the plan goes on',
  WATCH_IT,
  '  cancel it: countermand plan cancel plan-1',
]);
test(
  'Ctrl-C while it is cancelled: the cancel goes on',
  breaks,
  [{ actionPlan: planIn('CANCELLING') }],
  STOPPED,
  'cancel',
  'CALL_ENDED',
  ['stopped watching; the cancel goes on', WATCH_IT],
);
test('a stream that breaks: the plan goes on', breaks, [BEGIN], BROKEN, 'nothing', 'CONDUCTOR_UNREACHABLE', [
  'the connection broke; the plan goes on',
  WATCH_IT,
  '  cancel it: countermand plan cancel plan-1',
]);
test('a stream that ends too early', breaks, [BEGIN], undefined, 'nothing', 'CONDUCTOR_UNREACHABLE', [
  'the conductor at 127.0.0.1:7077 ended the stream; the plan goes on',
  WATCH_IT,
  '  cancel it: countermand plan cancel plan-1',
]);
test(
  'a cancel of which nothing was heard: its outcome is unknown',
  breaks,
  [],
  BROKEN,
  'cancel',
  'CONDUCTOR_UNREACHABLE',
  ['the connection broke', "  whether the cancel was accepted shows: countermand plan show 'rack 7 down'"],
);
test(
  'a rollback of which nothing was heard: its outcome is unknown',
  breaks,
  [],
  BROKEN,
  'rollback',
  'CONDUCTOR_UNREACHABLE',
  ['the connection broke', "  whether the rollback was accepted shows: countermand plan show 'rack 7 down'"],
);

const rollbackTo = (state: 'SUCCEEDED' | 'FAILED'): readonly PlanMessage[] => [
  { actionPlan: planIn('ONGOING', 1, ROLLBACK), actions: [actionIn('n1', 'ONGOING')] },
  { actionPlan: planIn(state, 1, { ...ROLLBACK, endedAt: AT(20) }), actions: [actionIn('n1', state)] },
];

test('a plan that undoes itself: its rollback is watched as well, and it has failed all the same', async (t) => {
  const captured = openCaptured();
  const failed: PlanMessage = { actionPlan: planIn('FAILED', 1), actions: [actionIn('n1', 'FAILED')] };
  const became = planIn('FAILED', 1, {
    rolledBackBy: 'plan-2',
    statusMessage: "its rollback is plan plan-2; left alone: 'n2'",
  });
  for (const end of ['SUCCEEDED', 'FAILED'] as const) {
    const call = callOf(captured, false, became, rollbackTo(end));
    const error = await t.throwsAsync(followPlan(streamOf([failed]), WATCH, call), { instanceOf: CountermandError });
    t.regex(error.message, /^plan 'rack 7 down' FAILED; /);
  }
  t.deepEqual(captured.stdout().split('\n').slice(2, 6), [
    "plan 'rack 7 down' is being rolled back; its rollback is plan plan-2; left alone: 'n2'",
    "plan 'rollback of rack 7 down' (plan-2) ONGOING; 1 action, at most 2 at once",
    'a cancel would abort 1 × soft power off: taken back if its BMC can, else only no longer waited for',
    'n1: soft power off ONGOING',
  ]);
  t.regex(captured.stdout(), /\nplan 'rollback of rack 7 down' SUCCEEDED after 20s; 1 of 1 done\n/);
});

test('a cancel that goes on to roll back ends as the rollback does', async (t) => {
  const became = planIn('CANCELLED', 3, { rolledBackBy: 'plan-2' });
  const follow = (end: 'SUCCEEDED' | 'FAILED', followed: FollowedPlan): Promise<void> =>
    followPlan(streamOf(TO_CANCELLED), followed, callOf(openCaptured(), false, became, rollbackTo(end)));
  await t.notThrowsAsync(follow('SUCCEEDED', { ...CANCEL, rollsBack: true }));
  const error = await t.throwsAsync(follow('FAILED', { ...CANCEL, rollsBack: true }), { instanceOf: CountermandError });
  t.regex(error.message, /^plan 'rollback of rack 7 down' FAILED; /);
  await t.notThrowsAsync(follow('FAILED', CANCEL), 'who only cancels does not wait for it');
  const watched = await t.throwsAsync(follow('SUCCEEDED', WATCH), { instanceOf: CountermandError });
  t.is(watched.code, 'ACTION_PLAN_CANCELLED');
});

test('there was nothing to roll back', async (t) => {
  const captured = openCaptured();
  const call = callOf(captured, false, planIn('CANCELLED'));
  await followPlan(streamOf([{ actionPlan: planIn('CANCELLED', 0) }]), { ...CANCEL, rollsBack: true }, call);
  t.regex(captured.stdout(), /\nplan 'rack 7 down' is not rolled back: it changed nothing that could be undone\n$/);
});

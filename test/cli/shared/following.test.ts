import test, { type ExecutionContext } from 'ava';
import { followTask } from '../../../src/cli/shared/following.ts';
import { CountermandError, type ErrorCode, fail } from '../../../src/core/errors.ts';
import { PossibleVerb, PowerTarget, PowerTask, PowerTaskState } from '../../../src/gen/countermand/v1/power.ts';
import { callOf, openCaptured } from '../captured.ts';

const taskIn = (state: PowerTaskState): PowerTask =>
  PowerTask.fromPartial({
    uuid: 'task-1',
    nodeName: 'n1',
    target: PowerTarget.SOFT_POWER_OFF,
    state,
    possibleOrders: [
      {
        verb: PossibleVerb.SET_POWER_STATE,
        resource: 'n1',
        powerTarget: PowerTarget.ABORT_SOFT_POWER_OFF,
        abortsTaskUuid: 'task-1',
      },
    ],
    errorCode: state === PowerTaskState.FAILED ? 'TIMED_OUT' : '',
    errorMessage: state === PowerTaskState.FAILED ? 'it took too long' : '',
  });
const { QUEUED, CONFIRMING, SUCCEEDED, FAILED } = PowerTaskState;

/** A stream of a task in these states, that then breaks, if `error` is given. */
async function* streamOf(states: readonly PowerTaskState[], error?: Error): AsyncGenerator<{ task?: PowerTask }> {
  for (const state of states) yield { task: taskIn(state) };
  if (error) throw error;
}

const ORDER = { name: 'request-1', orders: true, wait: true };
const BROKEN = fail('CONDUCTOR_UNREACHABLE', 'the connection broke');

test('changes are told one by one, each once', async (t) => {
  const captured = openCaptured();
  await followTask(streamOf([QUEUED, CONFIRMING, CONFIRMING, SUCCEEDED]), ORDER, callOf(captured));
  t.deepEqual(captured.stdout().split('\n'), [
    'n1: soft power off accepted as power task task-1',
    'n1: soft power off QUEUED',
    'n1: soft power off CONFIRMING',
    'n1: soft power off SUCCEEDED',
    '',
  ]);
});

test('on a terminal there is a live line, and at the end a plain one', async (t) => {
  const captured = openCaptured(true);
  await followTask(streamOf([QUEUED, CONFIRMING, SUCCEEDED]), ORDER, callOf(captured));
  t.regex(captured.stdout(), /n1: soft power off QUEUED\n.*n1: soft power off SUCCEEDED/s);
  t.true(captured.stdout().endsWith('n1: soft power off SUCCEEDED\n'));
});

test('with --json every message is a line, the end too', async (t) => {
  const captured = openCaptured();
  await followTask(streamOf([QUEUED, SUCCEEDED]), ORDER, callOf(captured, true));
  const lines = captured.stdout().trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).state),
    ['QUEUED', 'SUCCEEDED'],
  );
});

test('a task that failed fails the command, after its last line', async (t) => {
  const captured = openCaptured();
  const error = await t.throwsAsync(followTask(streamOf([QUEUED, FAILED]), ORDER, callOf(captured)), {
    instanceOf: CountermandError,
    message: 'it took too long',
  });
  t.is(error.code, 'TIMED_OUT');
  t.regex(captured.stdout(), /n1: soft power off FAILED/);
});

test('without waiting, the first message of a task is the last', async (t) => {
  const captured = openCaptured();
  let closed = false;
  async function* endless(): AsyncGenerator<{ task?: PowerTask }> {
    try {
      for (;;) yield { task: taskIn(QUEUED) };
    } finally {
      closed = true;
    }
  }
  await followTask(endless(), { ...ORDER, wait: false }, callOf(captured));
  t.true(closed);
});

type Stream = AsyncIterable<{ task?: PowerTask }>;

const breaks = test.macro(async (t: ExecutionContext, stream: Stream, code: ErrorCode, lines: readonly string[]) => {
  const following = followTask(stream, ORDER, callOf(openCaptured()));
  const error = await t.throwsAsync(following, { instanceOf: CountermandError });
  t.is(error.code, code);
  t.deepEqual(error.message.split('\n'), [...lines]);
});
const WAY_ON = [
  '  watch it: countermand power watch task-1',
  '  take it back: countermand node power n1 abort_soft_off --task task-1',
];
test('a stream that breaks: the order goes on', breaks, streamOf([CONFIRMING], BROKEN), 'CONDUCTOR_UNREACHABLE', [
  'the connection broke; the order goes on',
  ...WAY_ON,
]);
test('Ctrl-C: the order goes on', breaks, streamOf([CONFIRMING], fail('CALL_ENDED', 'stopped')), 'CALL_ENDED', [
  'stopped watching; the order goes on',
  ...WAY_ON,
]);
test('a stream that ends too early: the order goes on', breaks, streamOf([CONFIRMING]), 'CONDUCTOR_UNREACHABLE', [
  'the conductor at 127.0.0.1:7077 ended the stream; the order goes on',
  ...WAY_ON,
]);
test(
  'a stream that breaks before it said anything: the outcome is unknown',
  breaks,
  streamOf([], BROKEN),
  'CONDUCTOR_UNREACHABLE',
  ['the connection broke', '  whether the order was accepted shows: countermand power show request-1'],
);
test('an order that is refused is just that', breaks, streamOf([], fail('NODE_HELD', 'n1 is held')), 'NODE_HELD', [
  'n1 is held',
]);

test('a message without a task is a fault of the conductor', async (t) => {
  async function* empty(): AsyncGenerator<{ task?: PowerTask }> {
    yield {};
  }
  const call = callOf(openCaptured());
  const error = await t.throwsAsync(followTask(empty(), { ...ORDER, orders: false }, call), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'INTERNAL');
});

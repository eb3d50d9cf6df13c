import test, { type ExecutionContext } from 'ava';
import {
  acceptedLine,
  changeLine,
  commandsToTakeBack,
  endLine,
  hasEnded,
  liveLine,
  taskFailure,
} from '../../../src/cli/shared/task_lines.ts';
import { utcTime } from '../../../src/cli/shared/times.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import {
  AbortOutcome,
  PossibleVerb,
  PowerState,
  PowerTarget,
  PowerTask,
  PowerTaskState,
  Recall,
} from '../../../src/gen/countermand/v1/power.ts';

const UUID = '6c1f9a52-6a86-4f0e-9d6e-0b1f6f0a7d11';
const at = (second: number): Date => new Date(second * 1000);

/** A soft power off of n1 that is being confirmed, with what a test says otherwise. */
const softOff = (changes: Parameters<typeof PowerTask.fromPartial>[0] = {}): PowerTask =>
  PowerTask.fromPartial({
    uuid: UUID,
    nodeName: 'n1',
    target: PowerTarget.SOFT_POWER_OFF,
    state: PowerTaskState.CONFIRMING,
    recall: Recall.STOP_WAITING_ONLY,
    observedPowerState: PowerState.ON,
    createdAt: at(0),
    sendingAt: at(1),
    deadlineAt: at(601),
    ...changes,
  });

const abortOf = (outcome: AbortOutcome, changes: Parameters<typeof PowerTask.fromPartial>[0] = {}): PowerTask =>
  softOff({
    target: PowerTarget.ABORT_SOFT_POWER_OFF,
    state: PowerTaskState.SUCCEEDED,
    abort: { outcome, reason: 'because', observed: PowerState.ON },
    endedAt: at(3),
    ...changes,
  });

test('an accepted order says how far it can be recalled; an abort does not', (t) => {
  t.is(
    acceptedLine(softOff()),
    `n1: soft power off accepted as power task 6c1f9a52; cannot be taken back; an abort only stops the waiting`,
  );
  const abort = abortOf(AbortOutcome.UNSPECIFIED);
  t.is(acceptedLine(abort), `n1: abort soft power off accepted as power task 6c1f9a52`);
});

test('a change says state, reading and message', (t) => {
  t.is(
    changeLine(softOff({ message: 'the BMC has it' })),
    'n1: soft power off CONFIRMING; observed power on; the BMC has it',
  );
  t.is(changeLine(softOff({ state: PowerTaskState.QUEUED, observedPowerState: 0 })), 'n1: soft power off QUEUED');
});

test('the live line counts', (t) => {
  t.is(
    liveLine(softOff(), 13_000),
    'n1: soft power off CONFIRMING; 12s; times out in 9m48s; observed power on; cannot be taken back; an abort only stops the waiting',
  );
});

test('the end says how long it took and what may still happen', (t) => {
  const done = softOff({ state: PowerTaskState.SUCCEEDED, observedPowerState: PowerState.OFF, endedAt: at(12) });
  t.is(endLine(done, utcTime), 'n1: soft power off SUCCEEDED after 12s; observed power off');
  const stopped = softOff({
    state: PowerTaskState.ABORTED,
    abort: { outcome: AbortOutcome.STOPPED_WAITING, reason: 'ipmi cannot recall it', observed: PowerState.ON },
    endedAt: at(12),
    mayStillChangeUntil: at(612),
  });
  t.is(
    endLine(stopped, utcTime),
    'n1: soft power off ABORTED after 12s; STOPPED_WAITING; ipmi cannot recall it; observed power on; ' +
      'the node may still change until 1970-01-01T00:10:12.000Z',
  );
});

test('an abort that found nothing says so', (t) => {
  const nothing = abortOf(AbortOutcome.NOTHING_TO_ABORT);
  t.is(
    endLine(nothing, utcTime),
    'n1: abort soft power off NOTHING_TO_ABORT after 3s; nothing happened; because; observed power on',
  );
});

test('no line breaks, whatever the conductor says', (t) => {
  const task = softOff({ message: 'a\nb\u001b[2J', nodeName: 'n\n1' });
  for (const line of [acceptedLine(task), changeLine(task), endLine(task, utcTime), liveLine(task, 0)])
    t.notRegex(line, /\p{Cc}/u);
});

test('the states at rest are the last three', (t) => {
  const { UNSPECIFIED: _u, UNRECOGNIZED: _r, ...states } = PowerTaskState;
  const ended = Object.keys(states).filter((name) => hasEnded(softOff({ state: states[name as keyof typeof states] })));
  t.deepEqual(ended, ['SUCCEEDED', 'FAILED', 'ABORTED']);
});

type Code = ErrorCode | null;

const endsWith = test.macro((t: ExecutionContext, task: PowerTask, code: Code, says: RegExp = /^/) => {
  const failure = taskFailure(task);
  t.is(failure?.code ?? null, code);
  t.regex(failure?.message ?? '', says);
});
const failed = { state: PowerTaskState.FAILED, errorMessage: 'the BMC is silent' };
test('a task that succeeded', endsWith, softOff({ state: PowerTaskState.SUCCEEDED }), null);
test('a task under way', endsWith, softOff(), null);
test('a failed task', endsWith, softOff({ ...failed, errorCode: 'BMC_SILENT' }), 'BMC_SILENT', /^the BMC is silent$/);
test('a failed task of a newer conductor', endsWith, softOff({ ...failed, errorCode: 'NEWER' }), 'INTERNAL', /silent/);
test('a failed task without a word', endsWith, softOff({ state: PowerTaskState.FAILED }), 'INTERNAL', /ended FAILED/);
test(
  'an aborted task, whatever its error code',
  endsWith,
  softOff({ state: PowerTaskState.ABORTED, errorCode: 'TASK_ABORTED', errorMessage: 'it was aborted' }),
  'TASK_ABORTED',
  /^n1: it was aborted$/,
);
const ABORTS = {
  NOT_SENT: null,
  RECALLED: null,
  STOPPED_WAITING: 'ABORT_STOPPED_WAITING',
  TOO_LATE: 'ABORT_TOO_LATE',
  NOTHING_TO_ABORT: 'NOTHING_TO_ABORT',
} as const;
for (const [name, code] of Object.entries(ABORTS))
  test(
    `an abort with outcome ${name}`,
    endsWith,
    abortOf(AbortOutcome[name as keyof typeof ABORTS]),
    code,
    code === null ? /^$/ : /^n1: .*: because$/,
  );
test(
  'an abort with outcome FAILED',
  endsWith,
  abortOf(AbortOutcome.FAILED, { state: PowerTaskState.FAILED, errorCode: 'BMC_SILENT' }),
  'RECALL_FAILED',
  /because/,
);

test('what takes a task back can be pasted', (t) => {
  const waiting = softOff({
    possibleOrders: [
      {
        verb: PossibleVerb.SET_POWER_STATE,
        resource: 'n1',
        powerTarget: PowerTarget.ABORT_SOFT_POWER_OFF,
        abortsTaskUuid: UUID,
      },
    ],
  });
  t.deepEqual(commandsToTakeBack(waiting, 'countermand --conductor a:1'), [
    `countermand --conductor a:1 node power n1 abort_soft_off --task 6c1f9a52`,
  ]);
  const queued = softOff({ possibleOrders: [{ verb: PossibleVerb.WITHDRAW_POWER_TASK, resource: UUID }] });
  t.deepEqual(commandsToTakeBack(queued, 'countermand'), ['countermand power withdraw 6c1f9a52']);
  t.deepEqual(commandsToTakeBack(softOff(), 'countermand'), []);
});

/** What a power task does next, as a table: state, order and phase; what its agent reports; the move that follows. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import type { OrderTarget, Phase, Reading } from '../../../src/core/power.ts';
import type { Report, Sending } from '../../../src/core/report.ts';
import type { PowerTaskState } from '../../../src/core/states.ts';
import { type Facts, type LastLook, type Move, onDeadline, onReport } from '../../../src/server/power/decide.ts';
import type { PowerTaskRow } from '../../../src/server/store/rows.ts';
import { nodeRow, taskRow } from '../rows.ts';

const ON: Reading = { powerState: 'power on' };
const OFF: Reading = { powerState: 'power off' };
const RUNNING: Reading = { ...ON, host: 'running' };
const STOPPING: Reading = { ...ON, host: 'stopping' };
const STARTING: Reading = { ...ON, host: 'starting' };
/** It was powered on and is not on yet. */
const POWERING_ON: Reading = { ...OFF, host: 'starting' };

/** Its BMC was away, and may say what is not so. */
const MAYBE_OFF: Reading = { ...OFF, doubt: { before: 'power on' } };
const MAYBE_ON: Reading = { ...ON, doubt: { before: 'power on' } };

const ONE_COMMAND = { recalls: ['soft rebooting'], softRebootInOneCommand: true } as const;

const NOW = 1_000_000;
const FACTS: Facts = {
  now: NOW,
  isPast: false,
  usual: { recalls: [], softRebootInOneCommand: false },
  softPowerOffTimeoutMs: 600_000,
  powerStateChangeTimeoutMs: 60_000,
  mayChangeUntil: null,
  lastReading: null,
};

type Subject = [state: PowerTaskState, target: OrderTarget, phase: Phase, more?: Partial<PowerTaskRow>];

function rowOf([state, target, phase, more = {}]: Subject): PowerTaskRow {
  const sendingAt = state === 'QUEUED' ? null : NOW - 1000;
  const times = { createdAt: NOW - 5000, sendingAt, startDeadlineAt: NOW + 60_000, deadlineAt: NOW + 60_000 };
  return taskRow(nodeRow(), { state, target, phase, ...times, ...more });
}

function reportOf(sending: Sending | null, more: Partial<Report>, { uuid, fence, phase }: PowerTaskRow): Report {
  const nothing = {
    traits: null,
    sent: '',
    before: null,
    observed: null,
    seenDown: false,
    error: null,
    unreadable: null,
    abort: null,
  };
  return { taskUuid: uuid, fence, phase, sending, ...nothing, ...more };
}

/** For example `send, go power on`; `-` is a move that changes nothing. */
function wordsOf({ event, next, command, patch }: Move): string {
  const code = patch.task?.errorCode ? ` ${patch.task.errorCode}` : '';
  const then = next === 'nothing' ? '' : command === undefined ? next : `${next} ${command}`;
  return [event === null ? '' : `${event}${code}`, then].filter((word) => word !== '').join(', ') || '-';
}

const reported = test.macro<[Subject, Sending | null, Partial<Report>, string]>({
  exec(t, subject, sending, more, expected) {
    const task = rowOf(subject);
    t.is(wordsOf(onReport(task, reportOf(sending, more, task), FACTS)), expected);
  },
  title: (_, subject, sending, more, expected) => {
    const [state, target, phase] = subject;
    const { before, observed, error } = more;
    const words = (what: string, reading?: Reading | null): string =>
      reading ? `, ${what} ${reading.powerState}${reading.host ? ` and ${reading.host}` : ''}` : '';
    const fault = error ? `, ${error.code}` : '';
    return `${state} ${target} ${phase}: ${sending}${words('before', before)}${words('now', observed)}${fault} -> ${expected}`;
  },
});

// Nothing was sent yet. A host on its way out of a state has not arrived there.
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'READY', { before: OFF }, 'send, go power on');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'READY', { before: ON }, 'succeed');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'READY', { before: RUNNING }, 'succeed');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'READY', { before: STARTING }, 'succeed');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'READY', { before: STOPPING }, 'send, go power on');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'WAITING', { before: STOPPING }, 'wait');
test(reported, ['QUEUED', 'power on', 'WHOLE'], 'WAITING', { before: OFF }, '-');
test(reported, ['QUEUED', 'power off', 'WHOLE'], 'READY', { before: OFF }, 'succeed');
test(reported, ['QUEUED', 'power off', 'WHOLE'], 'READY', { before: POWERING_ON }, 'send, go power off');
test(reported, ['QUEUED', 'power off', 'WHOLE'], 'READY', { before: STOPPING }, 'send, go power off');
test(reported, ['QUEUED', 'soft power off', 'DOWN'], 'READY', { before: OFF }, 'succeed');
test(reported, ['QUEUED', 'soft power off', 'DOWN'], 'WAITING', { before: POWERING_ON }, 'wait');
test(reported, ['QUEUED', 'soft power off', 'DOWN'], 'READY', { before: STOPPING }, 'send, go soft power off');
test(reported, ['QUEUED', 'rebooting', 'WHOLE'], 'READY', { before: STOPPING }, 'send, go rebooting');
test(reported, ['QUEUED', 'rebooting', 'WHOLE'], 'READY', { before: OFF }, 'send, go power on');
test(reported, ['QUEUED', 'rebooting', 'WHOLE'], 'READY', { before: POWERING_ON }, 'send, go power on');
test(reported, ['QUEUED', 'soft rebooting', 'DOWN'], 'READY', { before: ON }, 'send, go soft power off');
test(reported, ['QUEUED', 'inject nmi', 'WHOLE'], 'READY', { before: OFF }, 'fail NMI_NEEDS_POWER');

const NO_ANSWER = { code: 'NO_ANSWER', message: 'no answer' } as const;
const GARBLED = { code: 'BMC_GARBLED', message: 'no sense' } as const;
const TOO_LATE = { code: 'GO_TOO_LATE', message: 'no leave' } as const;
const D4 = { code: 'BMC_PRIVILEGE_TOO_LOW', message: 'insufficient privilege level (D4h)' } as const;
const IDEMPOTENT: readonly (readonly [OrderTarget, Phase, reached: Reading, not: Reading])[] = [
  ['power on', 'WHOLE', ON, OFF],
  ['power off', 'WHOLE', OFF, ON],
  ['soft power off', 'FORCED_DOWN', OFF, ON],
  ['soft rebooting', 'UP', ON, OFF],
  ['rebooting', 'UP', ON, OFF],
];

// An idempotent command whose outcome is unknown: whatever is read of the end state settles it.
for (const [target, phase, reached, not] of IDEMPOTENT) {
  const subject: Subject = ['SENDING', target, phase];
  const command = target === 'power off' || phase === 'FORCED_DOWN' ? 'power off' : 'power on';
  test(reported, subject, 'UNKNOWN', { observed: reached, error: NO_ANSWER }, 'succeed');
  test(reported, subject, 'UNKNOWN', { observed: not, error: NO_ANSWER }, 'retry');
  test(reported, subject, 'WAITING', { before: not, error: GARBLED }, 'retry');
  test(reported, subject, 'READY', { before: reached }, 'succeed');
  test(reported, subject, 'READY', { before: not }, `go ${command}`);
  test(reported, subject, 'NOT_SENT', { error: TOO_LATE }, 'start');
  test(reported, ['CONFIRMING', target, phase], 'READY', { before: not }, `go ${command}`);
  test(reported, ['CONFIRMING', target, phase], 'READY', { before: reached }, 'succeed');
}
// On hardware with two halves the first one leads to the second.
test(reported, ['SENDING', 'soft rebooting', 'FORCED_DOWN'], 'UNKNOWN', { observed: OFF }, 'accept, again');
// What an agent has read that prepares it again counts, also if no leave to send came in time.
const LATE = { error: fail('GO_TOO_LATE', 'no leave to send came within 5 s of the reading') };
test(reported, ['SENDING', 'soft rebooting', 'UP'], 'WAITING', { before: RUNNING, ...LATE }, 'succeed');
test(reported, ['CONFIRMING', 'soft rebooting', 'UP'], 'WAITING', { before: RUNNING, ...LATE }, 'succeed');
test(reported, ['SENDING', 'power off', 'WHOLE'], 'WAITING', { before: OFF, ...LATE }, 'succeed');
test(reported, ['SENDING', 'soft rebooting', 'UP'], 'WAITING', { before: OFF, ...LATE }, 'retry');
test(reported, ['SENDING', 'soft rebooting', 'UP'], 'WAITING', { before: STOPPING, ...LATE }, 'retry');
test(reported, ['SENDING', 'soft rebooting', 'UP'], 'WAITING', { before: MAYBE_ON, ...LATE }, 'retry');
test(reported, ['SENDING', 'rebooting', 'WHOLE'], 'WAITING', { before: RUNNING, ...LATE }, '-');
test(reported, ['CONFIRMING', 'soft rebooting', 'DOWN'], 'ACCEPTED', { observed: OFF }, 'send_next, start');
test(reported, ['SENDING', 'power on', 'WHOLE'], 'UNKNOWN', { observed: STOPPING }, '-');
test(reported, ['SENDING', 'power off', 'WHOLE'], 'UNKNOWN', { observed: POWERING_ON }, '-');

// A refusal ends an order that was just given. A second half, which the plan relies on, is not left so.
for (const sending of ['REFUSED', 'NOT_SENT'] as const) {
  test(reported, ['SENDING', 'power on', 'WHOLE'], sending, { error: D4 }, 'fail BMC_PRIVILEGE_TOO_LOW');
  test(reported, ['SENDING', 'soft power off', 'DOWN'], sending, { error: D4 }, 'fail BMC_PRIVILEGE_TOO_LOW');
  test(reported, ['SENDING', 'soft power off', 'FORCED_DOWN'], sending, { error: D4 }, 'retry');
  test(reported, ['SENDING', 'soft rebooting', 'UP'], sending, { error: D4 }, 'retry');
}

// What is not idempotent gets one Go.
for (const [target, phase] of [
  ['soft power off', 'DOWN'],
  ['soft rebooting', 'DOWN'],
] as const) {
  test(reported, ['SENDING', target, phase], 'READY', { before: ON }, '-');
  test(reported, ['CONFIRMING', target, phase], 'READY', { before: ON }, '-');
  test(reported, ['SENDING', target, phase], 'UNKNOWN', { error: NO_ANSWER }, 'accept, again');
}
test(reported, ['SENDING', 'rebooting', 'WHOLE'], 'UNKNOWN', { observed: ON }, 'fail OUTCOME_UNKNOWN');
test(reported, ['SENDING', 'rebooting', 'WHOLE'], 'UNKNOWN', { observed: ON, seenDown: true }, 'accept, again');
test(reported, ['SENDING', 'inject nmi', 'WHOLE'], 'UNKNOWN', { error: NO_ANSWER }, '-');

test(reported, ['CONFIRMING', 'power on', 'WHOLE'], 'ACCEPTED', { observed: STARTING }, 'succeed');
test(reported, ['CONFIRMING', 'power on', 'WHOLE'], 'ACCEPTED', { observed: STOPPING }, 'observe');
test(reported, ['CONFIRMING', 'power off', 'WHOLE'], 'ACCEPTED', { observed: POWERING_ON }, 'observe');
test(reported, ['CONFIRMING', 'soft power off', 'DOWN'], 'ACCEPTED', { observed: STOPPING }, 'observe');

// A BMC that was away: what it says ends nothing, and is not recorded.
test(reported, ['QUEUED', 'power off', 'WHOLE'], 'WAITING', { before: MAYBE_OFF }, 'wait');
test(reported, ['QUEUED', 'power off', 'WHOLE'], 'READY', { before: MAYBE_ON }, 'send, go power off');
test(reported, ['SENDING', 'power off', 'WHOLE'], 'UNKNOWN', { observed: MAYBE_OFF }, '-');
test(reported, ['SENDING', 'power off', 'WHOLE'], 'READY', { before: MAYBE_OFF }, 'go power off');
test(reported, ['CONFIRMING', 'power off', 'WHOLE'], 'ACCEPTED', { observed: MAYBE_OFF }, '-');
test(reported, ['CONFIRMING', 'soft power off', 'DOWN'], 'ACCEPTED', { observed: MAYBE_OFF }, '-');
test(reported, ['CONFIRMING', 'soft rebooting', 'DOWN'], 'ACCEPTED', { observed: MAYBE_OFF }, '-');
test(reported, ['CONFIRMING', 'power on', 'WHOLE'], 'ACCEPTED', { observed: MAYBE_ON }, '-');
test(reported, ['SENDING', 'rebooting', 'WHOLE'], 'UNKNOWN', { observed: MAYBE_OFF }, '-');

test('a power on that waits for a shutdown waits as long as a shutdown may take, and says why', (t) => {
  const task = rowOf(['QUEUED', 'power on', 'WHOLE']);
  const { patch } = onReport(task, reportOf('WAITING', { before: STOPPING }, task), FACTS);
  t.like(patch.task, {
    startDeadlineAt: NOW + FACTS.softPowerOffTimeoutMs,
    message: 'the host is stopping; the power on waits until it has stopped',
  });
  const waiting = { ...task, ...patch.task };
  t.is(wordsOf(onReport(waiting, reportOf('WAITING', { before: STOPPING }, waiting), FACTS)), '-');
  const late = onDeadline({ ...waiting, createdAt: NOW - 5000 }, { ...FACTS, isPast: true });
  t.regex(late.patch.task?.errorMessage ?? '', /nothing was sent: .* within 605 s: the host is stopping/);
});

const PAST: Facts = { ...FACTS, isPast: true };
const SILENT = { code: 'BMC_SILENT', message: 'it is silent' } as const;
const UNREAD: LastLook = { reading: null, unreadable: SILENT };
const looked = test.macro<[Subject, Reading | null, string]>({
  exec(t, subject, reading, expected) {
    const task = rowOf(subject);
    t.is(wordsOf(onDeadline(task, PAST)), 'look');
    const look: LastLook = { reading, unreadable: reading === null ? SILENT : null };
    t.is(wordsOf(onDeadline(task, PAST, look)), expected);
  },
  title: (_, subject, reading, expected) =>
    `${subject.slice(0, 3).join(' ')} at its deadline: reads ${reading?.powerState ?? 'nothing'}${reading?.host ? ` and ${reading.host}` : ''} -> ${expected}`,
});

for (const state of ['SENDING', 'CONFIRMING'] as const) {
  for (const [target, phase, reached, not] of IDEMPOTENT) {
    test(looked, [state, target, phase], reached, 'succeed');
    test(looked, [state, target, phase], not, 'fail TIMED_OUT');
    test(looked, [state, target, phase], null, 'fail TIMED_OUT');
  }
  test(looked, [state, 'power on', 'WHOLE'], STOPPING, 'fail TIMED_OUT');
  test(looked, [state, 'soft power off', 'DOWN'], OFF, 'succeed');
}
test(looked, ['CONFIRMING', 'soft rebooting', 'DOWN'], OFF, 'send_next, start');
test(looked, ['CONFIRMING', 'soft power off', 'DOWN'], STOPPING, 'fail TIMED_OUT');
test(looked, ['CONFIRMING', 'rebooting', 'WHOLE'], ON, 'succeed');
test(looked, ['SENDING', 'rebooting', 'WHOLE'], ON, 'fail OUTCOME_UNKNOWN');
test(looked, ['SENDING', 'inject nmi', 'WHOLE'], ON, 'fail OUTCOME_UNKNOWN');

test(looked, ['CONFIRMING', 'soft power off', 'DOWN'], MAYBE_OFF, 'fail TIMED_OUT');

test('a doubtful reading at the deadline is told as such, and not recorded', (t) => {
  const { patch } = onDeadline(rowOf(['CONFIRMING', 'soft power off', 'DOWN']), PAST, {
    reading: MAYBE_OFF,
    unreadable: null,
  });
  t.regex(patch.task?.errorMessage ?? '', /was last power off, which is not certain, as its BMC had been away/);
  t.is(patch.node?.powerState, undefined);
  t.is(patch.task?.observedPowerState, undefined);
});

test('the error at a deadline claims what was seen, and no more', (t) => {
  const task = rowOf(['CONFIRMING', 'soft power off', 'DOWN', { observedPowerState: 'power on' }]);
  const errorAfter = (look: LastLook): string => onDeadline(task, PAST, look).patch.task?.errorMessage ?? '';
  t.regex(
    errorAfter({ reading: STOPPING, unreadable: null }),
    /was last power on and stopping\. It may still go down$/,
  );
  t.regex(errorAfter(UNREAD), /it has not been read: BMC_SILENT: it is silent/);
  const unread = onDeadline(task, PAST, UNREAD);
  t.is(unread.patch.node?.powerState, undefined);
  t.is(unread.patch.node?.powerStateReadAt, undefined);
  const seen = onDeadline(task, { ...PAST, lastReading: { ...ON, readAt: NOW - 50_000 } }, UNREAD).patch;
  t.regex(
    seen.task?.errorMessage ?? '',
    /it was last read power on 50 s ago; not readable since: BMC_SILENT: it is silent\. It may still go down$/,
  );
  t.is(seen.node?.powerStateReadAt, NOW - 50_000);
});

test('an escalation needs no last reading: the agent reads before it sends', (t) => {
  const task = rowOf(['CONFIRMING', 'soft power off', 'DOWN', { onTimeout: 'FORCE' }]);
  t.is(wordsOf(onDeadline(task, PAST)), 'send_next, start');
});

test('what the hardware of the node says counts, and not what its driver says', (t) => {
  const task = rowOf(['QUEUED', 'soft rebooting', 'DOWN', { recall: 'STOP_WAITING_ONLY' }]);
  const move = onReport(task, reportOf('READY', { before: ON, traits: ONE_COMMAND }, task), FACTS);
  t.is(move.command, 'soft rebooting');
  t.like(move.patch.task, { recall: 'BY_HARDWARE', traits: ONE_COMMAND });
  const facts = { ...FACTS, usual: ONE_COMMAND };
  const none = { recalls: [], softRebootInOneCommand: false };
  const other = onReport(task, reportOf('READY', { before: ON, traits: none }, task), facts);
  t.is(other.command, 'soft power off');
  t.like(other.patch.task, { recall: 'STOP_WAITING_ONLY', traits: none });
  // An older agent does not say.
  t.is(onReport(task, reportOf('READY', { before: ON }, task), facts).command, 'soft rebooting');
});

for (const [observed, seenDown, expected, phase] of [
  [RUNNING, false, 'observe', undefined],
  [OFF, true, 'observe', 'UP'],
  [POWERING_ON, true, 'observe', 'UP'],
  [STOPPING, true, 'observe', 'UP'],
  [STARTING, true, 'succeed', 'UP'],
  [RUNNING, true, 'succeed', 'UP'],
] as const) {
  const words = `${observed.powerState} and ${observed.host}, ${seenDown ? 'was' : 'not seen'} down`;
  test(`a soft reboot on one command, the node ${words}: one move, ${expected} ${phase}`, (t) => {
    const task = rowOf(['CONFIRMING', 'soft rebooting', 'DOWN', { traits: ONE_COMMAND }]);
    const move = onReport(task, reportOf('ACCEPTED', { observed, seenDown }, task), FACTS);
    t.is(wordsOf(move), expected);
    t.is(move.patch.task?.phase, phase);
    t.is(move.patch.task?.seenDown, seenDown);
  });
}

test('what was sent is kept, each command once', (t) => {
  const task = rowOf(['SENDING', 'soft rebooting', 'UP', { sent: ['Reset GracefulShutdown'] }]);
  const { patch } = onReport(task, reportOf('ACCEPTED', { sent: 'Reset On' }, task), FACTS);
  t.deepEqual(patch.task?.sent, ['Reset GracefulShutdown', 'Reset On']);
  const again = rowOf(['SENDING', 'soft rebooting', 'UP', { sent: ['Reset On'] }]);
  t.is(onReport(again, reportOf('ACCEPTED', { sent: 'Reset On' }, again), FACTS).patch.task?.sent, undefined);
});

/** A turn of the keeper as data: what comes for a task in each state, and the step that it leads to, before anything is written. */
import test from 'ava';
import type { Reading } from '../../../src/core/power.ts';
import type { Report } from '../../../src/core/report.ts';
import type { PowerTaskState } from '../../../src/core/states.ts';
import type { TaskAndNode } from '../../../src/server/power/transition.ts';
import { type Around, type Input, nextDeadline, type Step, stepOf } from '../../../src/server/power/turn.ts';
import type { NodeRow, PowerTaskRow } from '../../../src/server/store/rows.ts';
import { nodeRow, taskRow } from '../rows.ts';

const NOW = 1_000_000;
const AGENT = 'agent-1';
const AROUND: Around = {
  now: NOW,
  isPast: false,
  usual: { recalls: [], softRebootInOneCommand: false },
  softPowerOffTimeoutMs: 600_000,
  powerStateChangeTimeoutMs: 60_000,
  mayChangeUntil: null,
  lastReading: null,
  attached: AGENT,
  abortTimeoutMs: 30_000,
};

const READING: Reading = { powerState: 'power on', readAt: NOW };
const SILENT = { code: 'BMC_SILENT', message: 'no answer' } as const;
const RECALLED = { outcome: 'RECALLED', reason: 'taken back', observed: null } as const;

function at(state: PowerTaskState, more: Partial<PowerTaskRow> = {}, node: Partial<NodeRow> = {}): TaskAndNode {
  const held = nodeRow({ agentUuid: AGENT, fence: 1, powerStateReadAt: NOW - 9999 });
  const sendingAt = state === 'QUEUED' ? null : NOW - 1000;
  const times = { sendingAt, startDeadlineAt: NOW + 60_000, deadlineAt: NOW + 60_000, abortDeadlineAt: null };
  const task = taskRow(held, { state, target: 'soft power off', phase: 'DOWN', fence: 1, ...times, ...more });
  return { task, node: { ...held, heldBy: task.uuid, ...node } };
}

/** An abort that takes back an order that was given up: it holds no node. */
function recall(node: Partial<NodeRow> = {}): TaskAndNode {
  const more = { target: 'abort soft power off', abortsTaskUuid: 'given-up', abortDeadlineAt: NOW + 30_000 } as const;
  return at('SENDING', more, { heldBy: null, ...node });
}

function report({ task }: TaskAndNode, more: Partial<Report> = {}, agentUuid = AGENT): Input {
  const nothing = { before: null, observed: null, seenDown: false, error: null, unreadable: null, abort: null };
  const said = { taskUuid: task.uuid, fence: task.fence, phase: task.phase, sending: null, traits: null, sent: '' };
  return { kind: 'report', agentUuid, report: { ...said, ...nothing, ...more } };
}

/** For example `move send, go soft power off`. */
function wordsOf({ write, next }: Step): string {
  const written = write === null ? '' : write.kind === 'move' ? `move ${write.event}` : write.kind;
  const then = next.kind === 'go' ? `go ${next.command}` : next.kind;
  return [written, then].filter((word) => word !== '').join(', ');
}

const leads = test.macro<[TaskAndNode | null, (at: TaskAndNode) => Input, Partial<Around>, string]>({
  exec(t, subject, input, around, expected) {
    t.is(wordsOf(stepOf(input(subject ?? at('QUEUED')), subject, { ...AROUND, ...around })), expected);
  },
  title: (what = '', _subject, _input, _around, expected) => `${what} -> ${expected}`,
});

const READY = { sending: 'READY', before: READING } as const;

// Reports of its agent.
test('a task that is gone, reported on', leads, null, report, {}, 'forget');
test('a task at rest, reported on', leads, at('SUCCEEDED'), report, {}, 'forget');
test('ready to send', leads, at('QUEUED'), (own) => report(own, READY), {}, 'move send, go soft power off');
test('ready too late', leads, at('QUEUED'), (own) => report(own, READY), { isPast: true }, 'move fail, rest');
test('accepted', leads, at('SENDING'), (own) => report(own, { sending: 'ACCEPTED' }), {}, 'move accept, again');
test('ready, and an abort is committed', leads, at('ABORTING'), (own) => report(own, READY), {}, 'nothing');
test(
  'nothing new',
  leads,
  at('CONFIRMING', { observedPowerState: 'power on' }),
  (own) => report(own, { observed: READING }),
  {},
  'rest',
);
const OLD = { powerStateReadAt: NOW - 10_000 };
const SEEN_ON = { observedPowerState: 'power on' } as const;
test(
  'nothing new, ten seconds after it was last told',
  leads,
  at('CONFIRMING', SEEN_ON, OLD),
  (own) => report(own, { observed: READING }),
  {},
  'read_again, rest',
);
test(
  'nothing new, after the clock was set back',
  leads,
  at('CONFIRMING', SEEN_ON, { powerStateReadAt: NOW + 3_600_000 }),
  (own) => report(own, { observed: READING }),
  {},
  'read_again, rest',
);
test(
  'nothing new, after long, from a BMC that was away',
  leads,
  at('CONFIRMING', SEEN_ON, OLD),
  (own) => report(own, { observed: { ...READING, doubt: { before: 'power on' } } }),
  {},
  'rest',
);
test(
  'read as on, of a node that is told to be in error',
  leads,
  at('CONFIRMING', SEEN_ON, { ...OLD, powerState: 'error' }),
  (own) => report(own, { observed: READING }),
  {},
  'rest',
);
test(
  'read while it is being taken back',
  leads,
  at('ABORTING', {}, OLD),
  (own) => report(own, { observed: READING }),
  {},
  'read_again, nothing',
);
test('taken back', leads, at('ABORTING'), (own) => report(own, { abort: RECALLED }), {}, 'end_abort, rest');
test('a recall, still under way', leads, recall(), (own) => report(own, { observed: READING }), {}, 'nothing');
test('a recall that has ended', leads, recall(), (own) => report(own, { abort: RECALLED }), {}, 'end_recall, rest');
test(
  'not readable any more',
  leads,
  at('CONFIRMING'),
  (own) => report(own, { unreadable: SILENT }),
  {},
  'problem, again',
);
test(
  'readable again',
  leads,
  at('CONFIRMING', { problem: { ...SILENT, since: NOW } }),
  (own) => report(own, { observed: READING }),
  {},
  'problem, again',
);

// Reports of others.
for (const state of ['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING'] as const) {
  test(`${state}, by an old fence`, leads, at(state), (own) => report(own, { ...READY, fence: 0 }), {}, 'nothing');
  test(`${state}, by another agent`, leads, at(state), (own) => report(own, READY, 'liar'), {}, 'forget');
  test(
    `${state}, by another agent while its own is lost`,
    leads,
    at(state),
    (own) => report(own, READY, 'liar'),
    { attached: null },
    'nothing',
  );
  test(
    `${state}, by its agent while another has the node`,
    leads,
    at(state, {}, { agentUuid: 'agent-2' }),
    (own) => report(own, READY),
    { attached: 'agent-2' },
    'forget',
  );
}

// Deadlines.
const deadline = (): Input => ({ kind: 'deadline' });
test('not begun in time', leads, at('QUEUED'), deadline, { isPast: true }, 'move fail, rest');
test('an alarm too early', leads, at('QUEUED'), deadline, {}, 'rest');
test('not settled in time', leads, at('CONFIRMING'), deadline, { isPast: true }, 'look');
test(
  'forced',
  leads,
  at('CONFIRMING', { onTimeout: 'FORCE' }),
  deadline,
  { isPast: true },
  'move send_next, hand_over',
);
test('an abort without an answer', leads, at('ABORTING'), deadline, {}, 'end_abort, rest');
test('a recall without an answer', leads, recall(), deadline, {}, 'end_recall, rest');
test('at rest before its deadline', leads, at('FAILED'), deadline, { isPast: true }, 'nothing');

// The last reading at a deadline.
const looked =
  (more: Partial<Input & { kind: 'looked' }> = {}) =>
  ({ task }: TaskAndNode): Input => ({
    kind: 'looked',
    deadlineAt: task.deadlineAt,
    last: { reading: READING, unreadable: null },
    ...more,
  });
const OFF: Reading = { powerState: 'power off', readAt: NOW };
test('still on', leads, at('CONFIRMING'), looked(), { isPast: true }, 'move fail, rest');
test(
  'off after all',
  leads,
  at('CONFIRMING'),
  looked({ last: { reading: OFF, unreadable: null } }),
  { isPast: true },
  'move succeed, rest',
);
// The new deadline of the second half has a timer.
test(
  'off at last, in a soft reboot on one command',
  leads,
  at('CONFIRMING', { target: 'soft rebooting', traits: { recalls: [], softRebootInOneCommand: true } }),
  looked({ last: { reading: OFF, unreadable: null } }),
  { isPast: true },
  'move observe, rest',
);
test(
  'silent',
  leads,
  at('CONFIRMING'),
  looked({ last: { reading: null, unreadable: SILENT } }),
  { isPast: true },
  'problem, again',
);
test('aborted meanwhile', leads, at('ABORTING'), looked(), { isPast: true }, 'nothing');
test(
  'given another deadline meanwhile',
  leads,
  at('CONFIRMING'),
  looked({ deadlineAt: 1 }),
  { isPast: true },
  'nothing',
);

// Taken up as its row stands.
const look = (): Input => ({ kind: 'look' });
for (const state of ['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING'] as const) {
  test(`${state}, taken up`, leads, at(state), look, {}, 'hand_over, tell');
  test(`${state}, taken up without an agent`, leads, at(state), look, { attached: null }, 'rest');
}
test('a recall, taken up', leads, recall(), look, {}, 'hand_over, tell');
test('a recall whose node another task has', leads, recall({ heldBy: 'other' }), look, {}, 'rest');
test('at rest, taken up', leads, at('ABORTED'), look, {}, 'nothing');

test('the next deadline of each state', (t) => {
  const times = { startDeadlineAt: 1, deadlineAt: 2, abortDeadlineAt: 3 };
  const next = (state: PowerTaskState): number | null => nextDeadline(at(state, times).task);
  t.deepEqual((['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING', 'SUCCEEDED', 'FAILED', 'ABORTED'] as const).map(next), [
    1,
    2,
    2,
    3,
    null,
    null,
    null,
  ]);
  t.is(nextDeadline(recall().task), NOW + 30_000);
});

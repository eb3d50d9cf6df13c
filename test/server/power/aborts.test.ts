/** What aborts and withdrawals write, as tables: the state of the order that they mean, and the writes, before any of them is done. */
import test from 'ava';
import { type AbortTarget, isAbort, type Phase, type Recall, TARGETS, type Target } from '../../../src/core/power.ts';
import {
  ABORT_OUTCOMES,
  type AbortOutcome,
  isAtRest,
  POWER_TASK_STATES,
  type PowerTaskState,
} from '../../../src/core/states.ts';
import { endingOfAbort } from '../../../src/server/power/aborts.ts';
import { endingOfRecall } from '../../../src/server/power/late_recalls.ts';
import {
  type AbortOrder,
  type OrderStep,
  stepOfAbort,
  stepOfWithdrawal,
} from '../../../src/server/power/order_step.ts';
import type { TaskWrite } from '../../../src/server/power/task_writes.ts';
import type { NodeRow, PowerTaskRow } from '../../../src/server/store/rows.ts';
import { FACTS, NODE, NOW, taskNamed, wordsOfStep, wordsOfWrites } from './step_words.ts';

const STATES = Object.keys(POWER_TASK_STATES) as PowerTaskState[];
const UNSETTLED = STATES.filter((state) => !isAtRest(state));
const OUTCOMES = (Object.keys(ABORT_OUTCOMES) as AbortOutcome[]).filter((outcome) => outcome !== 'NOTHING_TO_ABORT');
const ABORTS = TARGETS.filter(isAbort);
const ORDERS = TARGETS.filter((target) => !isAbort(target));
const RECALLS: readonly Recall[] = ['BY_HARDWARE', 'STOP_WAITING_ONLY', 'IRREVOCABLE_ONCE_SENT'];

/** The phases that a task of this target can be in. */
const PHASES_OF: Partial<Record<Target, readonly Phase[]>> = {
  'soft rebooting': ['DOWN', 'FORCED_DOWN', 'UP'],
  'soft power off': ['DOWN', 'FORCED_DOWN'],
  rebooting: ['WHOLE', 'UP'],
};
interface Part {
  readonly target: Target;
  readonly phase: Phase;
}
const PARTS: Part[] = ORDERS.flatMap((target) =>
  (PHASES_OF[target] ?? (['WHOLE'] as const)).map((phase) => ({ target, phase })),
);

/** A table with aligned columns. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ');
  return `\n${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}

function abortOf(target: AbortTarget, named: string | null = null): AbortOrder {
  const own = { ...taskNamed('own'), target, phase: 'WHOLE', abortsTaskUuid: named } as const;
  return { kind: 'abort', asked: {} as never, task: own, also: undefined };
}

/** The step of an abort of a node that is held. */
const abortHolder = (abort: AbortOrder, more: Partial<PowerTaskRow>): OrderStep =>
  stepOfAbort(abort, { node: NODE, holder: taskNamed('holder', more), givenUp: null }, FACTS);

/** The step of an abort of a free node with an order that was given up. */
function abortGivenUp(abort: AbortOrder, more: Partial<PowerTaskRow>, beingRecalled = false): OrderStep {
  const task = taskNamed('given-up', { state: 'FAILED', recall: 'BY_HARDWARE', ...more });
  return stepOfAbort(abort, { node: NODE, holder: null, givenUp: { ...task, beingRecalled, task } }, FACTS);
}

/** What the steps write, in a word of the tables. */
const WORDS: Readonly<Record<string, string>> = {
  'nothing_to_abort own': '-',
  'order_abort own, abort holder; tells holder': 'aborts',
  'order_abort own, abort holder, abort_end holder, end_abort own; tells holder': 'unsent',
  'order_abort own, annotate given-up; tells own': 'recalls',
};
const wordOf = (step: OrderStep): string => WORDS[wordsOfStep(step)] ?? wordsOfStep(step);
/** A row for each part that an order can be in: the aborts that do something, and what each does in each case. */
const rowsOf = <Case>(
  cases: readonly Case[],
  stepOf: (abort: AbortOrder, part: Part, each: Case) => OrderStep,
): string[][] =>
  PARTS.flatMap((part) => {
    const rows = ABORTS.map((abort) => [abort, ...cases.map((each) => wordOf(stepOf(abortOf(abort), part, each)))]);
    const doing = rows.filter((row) => row.slice(1).some((word) => word !== '-'));
    const shown = doing.length === 0 ? [['none', ...cases.map(() => '-')]] : doing;
    return shown.map((row) => [`${part.target} ${part.phase}`, ...row]);
  });

test('an abort of a held node, by the part that its holder is in', (t) => {
  const rows = rowsOf(UNSETTLED, (abort, part, state) => abortHolder(abort, { ...part, state }));
  t.is(
    table([['holder', 'abort', ...UNSETTLED], ...rows]),
    `
holder                      abort                 QUEUED  SENDING  CONFIRMING  ABORTING
power on WHOLE              none                  -       -        -           -
power off WHOLE             none                  -       -        -           -
rebooting WHOLE             none                  -       -        -           -
rebooting UP                none                  -       -        -           -
soft rebooting DOWN         abort soft rebooting  unsent  aborts   aborts      -
soft rebooting FORCED_DOWN  none                  -       -        -           -
soft rebooting UP           none                  -       -        -           -
soft power off DOWN         abort soft power off  unsent  aborts   aborts      -
soft power off FORCED_DOWN  none                  -       -        -           -
inject nmi WHOLE            abort inject nmi      unsent  aborts   aborts      -
`,
  );
});

test('an abort of a free node, by the order that was given up and how it can be taken back', (t) => {
  const rows = rowsOf(RECALLS, (abort, part, recall) => abortGivenUp(abort, { ...part, recall }));
  t.is(
    table([['given up', 'abort', ...RECALLS], ...rows]),
    `
given up                    abort                 BY_HARDWARE  STOP_WAITING_ONLY  IRREVOCABLE_ONCE_SENT
power on WHOLE              none                  -            -                  -
power off WHOLE             none                  -            -                  -
rebooting WHOLE             none                  -            -                  -
rebooting UP                none                  -            -                  -
soft rebooting DOWN         abort soft rebooting  recalls      -                  -
soft rebooting FORCED_DOWN  none                  -            -                  -
soft rebooting UP           none                  -            -                  -
soft power off DOWN         abort soft power off  recalls      -                  -
soft power off FORCED_DOWN  none                  -            -                  -
inject nmi WHOLE            none                  -            -                  -
`,
  );
});

test('an abort that names its task, of a node that is held, free, or gone', (t) => {
  const rows = ([null, 'holder', 'given-up', 'other'] as const).map((named) => {
    const abort = abortOf('abort soft power off', named);
    const free = stepOfAbort(abort, { node: NODE, holder: null, givenUp: null }, FACTS);
    const gone = stepOfAbort(abort, { node: null, holder: null, givenUp: null }, FACTS);
    const held = abortHolder(abort, { state: 'CONFIRMING' });
    return [String(named), ...[held, free, abortGivenUp(abort, {}), abortGivenUp(abort, {}, true), gone].map(wordOf)];
  });
  t.is(
    table([['named', 'held', 'free', 'given up', 'being recalled', 'deleted'], ...rows]),
    `
named     held    free  given up  being recalled  deleted
null      aborts  -     recalls   -               NODE_NOT_FOUND: there is no node 'node'
holder    aborts  -     -         -               NODE_NOT_FOUND: there is no node 'node'
given-up  -       -     recalls   -               NODE_NOT_FOUND: there is no node 'node'
other     -       -     -         -               NODE_NOT_FOUND: there is no node 'node'
`,
  );
});

const at = (state: PowerTaskState) => ({ task: taskNamed('holder', { state }), node: NODE });
const withdrawal = (stopWaiting: boolean, reason = '') =>
  ({ kind: 'withdrawal', taskUuid: 'holder', reason, stopWaiting, trace: 'the call', also: undefined }) as const;

/** For example `NOT_SENT`, the outcome, or the sentence of the refusal. */
function withdrawn(state: PowerTaskState, stopWaiting: boolean): string {
  const step = stepOfWithdrawal(withdrawal(stopWaiting), at(state), FACTS);
  if (step.kind !== 'write') return wordsOfStep(step).replace('NOT_WITHDRAWABLE: power task holder', '');
  const last = step.writes.at(-1);
  const said = last?.kind === 'move' ? last.patch.task : null;
  return `${wordsOfStep(step)}: ${said?.abortOutcome}, ${said?.abortReason}`;
}

test('a withdrawal, by the state of its task', (t) => {
  const rows = STATES.flatMap((state) => [false, true].map((stop) => [state, String(stop), withdrawn(state, stop)]));
  t.is(
    table([['state', 'stop_waiting', ''], ...rows]),
    `
state       stop_waiting
QUEUED      false         abort holder, abort_end holder; tells holder: NOT_SENT, withdrawn before it was sent
QUEUED      true          abort holder, abort_end holder; tells holder: NOT_SENT, withdrawn before it was sent
SENDING     false          is SENDING; only a QUEUED task can be withdrawn
SENDING     true           is SENDING; only a QUEUED task can be withdrawn
CONFIRMING  false          is CONFIRMING; its order was sent; with stop_waiting it is given up, and may still take effect
CONFIRMING  true          abort holder, abort_end holder; tells holder: STOPPED_WAITING, given up while it was waited for
ABORTING    false          is ABORTING; only a QUEUED task can be withdrawn
ABORTING    true           is ABORTING; only a QUEUED task can be withdrawn
SUCCEEDED   false          is SUCCEEDED; only a QUEUED task can be withdrawn
SUCCEEDED   true           is SUCCEEDED; only a QUEUED task can be withdrawn
FAILED      false          is FAILED; only a QUEUED task can be withdrawn
FAILED      true           is FAILED; only a QUEUED task can be withdrawn
ABORTED     false          is ABORTED; only a QUEUED task can be withdrawn
ABORTED     true           is ABORTED; only a QUEUED task can be withdrawn
`,
  );
  const gone = stepOfWithdrawal(withdrawal(false), null, FACTS);
  t.is(wordsOfStep(gone), 'NODE_NOT_FOUND: the node of power task holder was deleted');
});

const RECALL = taskNamed('own', { target: 'abort soft power off', state: 'SENDING' });
const endOf = (outcome: AbortOutcome) => ({ outcome, reason: 'why', observed: null });

test('the end of an abort, by its outcome', (t) => {
  const rows = OUTCOMES.map((outcome) => {
    const end = endOf(outcome);
    const ends = (own: PowerTaskRow | null): string =>
      wordsOfWrites(endingOfAbort(at('ABORTING').task, own, end, FACTS));
    const recalled = wordsOfWrites(endingOfRecall({ task: RECALL, node: NODE }, 'given-up', end));
    return [outcome, ends(null), ends(RECALL), recalled];
  });
  t.is(
    table([['outcome', 'of a withdrawal', 'of an abort', 'of a recall'], ...rows]),
    `
outcome          of a withdrawal    of an abort                       of a recall
NOT_SENT         abort_end holder   abort_end holder, end_abort own   end_abort own, annotate given-up
RECALLED         abort_end holder   abort_end holder, end_abort own   end_abort own, annotate given-up
STOPPED_WAITING  abort_end holder   abort_end holder, end_abort own   end_abort own, annotate given-up
TOO_LATE         abort_late holder  abort_late holder, end_abort own  end_abort own, annotate given-up
FAILED           abort_end holder   abort_end holder, fail_abort own  fail_abort own, annotate given-up
`,
  );
});

/** What a write says of its task and of its node, for example `errorCode=TASK_ABORTED`; what it says of the outcome itself is left out. */
function saysOf(write: TaskWrite | undefined): string {
  if (write === undefined || write.kind === 'create') return '';
  const { task, node } = write.kind === 'move' ? write.patch : { task: write.patch, node: {} };
  const told = (patch: object = {}): string[] =>
    Object.entries(patch)
      .filter(([key]) => ['errorCode', 'powerState', 'mayChangeUntil'].includes(key))
      .map(([key, value]) => `${key}=${value === NOW + FACTS.softPowerOffTimeoutMs ? 'opened' : value}`);
  return [...told(task), '/', ...told(node)].join(' ');
}

test('what the end of an abort leaves in the order, and after the slash in its node', (t) => {
  const rows = OUTCOMES.map((outcome) => {
    const [order] = endingOfAbort(at('ABORTING').task, RECALL, endOf(outcome), FACTS);
    const ends = (node: NodeRow) => saysOf(endingOfRecall({ task: RECALL, node }, 'given-up', endOf(outcome))[0]);
    return [outcome, saysOf(order), ends(NODE), ends({ ...NODE, heldBy: 'newer' })];
  });
  t.is(
    table([['outcome', 'the order', 'a recall', 'a recall, the node is held by now'], ...rows]),
    `
outcome          the order                                                                               a recall                                    a recall, the node is held by now
NOT_SENT         errorCode=TASK_ABORTED mayChangeUntil=null /                                            /                                           /
RECALLED         errorCode=TASK_ABORTED mayChangeUntil=null / powerState=error                           / powerState=error mayChangeUntil=null      /
STOPPED_WAITING  errorCode=TASK_ABORTED mayChangeUntil=opened / powerState=error mayChangeUntil=opened   / powerState=error                          /
TOO_LATE         / powerState=power off mayChangeUntil=null                                              /                                           /
FAILED           errorCode=RECALL_FAILED mayChangeUntil=opened / powerState=error mayChangeUntil=opened  errorCode=RECALL_FAILED / powerState=error  errorCode=RECALL_FAILED /
`,
  );
});

test('what an abort and a withdrawal write of the order that they take back', (t) => {
  const times = { abortRequestedAt: NOW, abortDeadlineAt: NOW + 30_000, message: '' };
  const aborting = (by: object) => ({ patch: { task: { ...times, ...by } } });
  const abort = abortHolder(abortOf('abort soft power off'), { state: 'CONFIRMING' });
  const begun = { abortsTaskUuid: 'holder', abortRequestedAt: NOW, abortDeadlineAt: null, endedAt: null };
  t.like(abort, { writes: [{ task: begun, node: {} }, aborting({ abortTaskUuid: 'own', linkedTrace: null })] });
  const taken = stepOfWithdrawal(withdrawal(false, 'a mistake'), at('QUEUED'), FACTS);
  const said = { abortOutcome: 'NOT_SENT', abortReason: 'withdrawn before it was sent: a mistake' };
  const ended = { patch: { task: { ...said, errorCode: 'TASK_ABORTED' }, node: {} } };
  t.like(taken, { writes: [aborting({ abortTaskUuid: null, linkedTrace: 'the call' }), ended] });
  const recall = abortGivenUp(abortOf('abort soft power off'), {});
  const own = { abortsTaskUuid: 'given-up', abortRequestedAt: NOW, abortDeadlineAt: NOW + 30_000 };
  t.like(recall, { writes: [{ task: own }, { patch: { abortTaskUuid: 'own', abortRequestedAt: NOW } }] });
  const nothing = abortHolder(abortOf('abort soft power off', 'other'), {});
  const why = 'the node is held by power task holder, not by other';
  t.like(nothing, { writes: [{ task: { abortsTaskUuid: null, abortReason: why, endedAt: NOW }, node: {} }] });
});

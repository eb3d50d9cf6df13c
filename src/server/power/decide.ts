/**
 * What a power task does next: pure functions from a row and a report, or from a row and the time, to one move. Nothing
 * here reads a clock, a database or a network; the keeper carries the moves out.
 */
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import {
  firstPhase,
  isIdempotent,
  isReached,
  type OnOff,
  type OrderTarget,
  type Phase,
  phaseSettlesIn,
  type Reading,
  TARGET_TABLE,
} from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import type { PowerTaskEvent } from '../../core/states.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { PowerTaskPatch } from '../store/transition.ts';

/** What a move depends on beside the row. */
export interface Facts {
  readonly now: number;
  /** The deadline of the task's present state has passed. */
  readonly isPast: boolean;
  readonly softRebootInOneCommand: boolean;
  readonly softPowerOffTimeoutMs: number;
  readonly powerStateChangeTimeoutMs: number;
  /** Until when the node may still change because of an older order, or null. */
  readonly mayChangeUntil: number | null;
}

/** One move: a row of the state table with its patch, then something to tell the agent. */
export interface Move {
  readonly event: PowerTaskEvent | null;
  readonly patch: PowerTaskPatch;
  /** go: send `command`. start: prepare the next phase. again: decide again with the same report. */
  readonly next: 'go' | 'start' | 'again' | 'nothing';
  readonly command?: OrderTarget;
}

const STAY: Move = { event: null, patch: {}, next: 'nothing' };

/** What a report of its agent makes of a task. Reports of another phase, or of a task in another state, make nothing. */
export function onReport(task: PowerTaskRow, report: Report, facts: Facts): Move {
  if (task.state === 'QUEUED') return whenQueued(task, report, facts);
  if (!isAboutPhase(report, task, facts)) return STAY;
  if (task.state === 'SENDING') return whenSending(task, report, facts);
  if (task.state === 'CONFIRMING') return whenConfirming(task, report, facts);
  return STAY;
}

/** Hardware that reboots on one command goes through both halves without being asked again. */
function isAboutPhase(report: Report, task: PowerTaskRow, { softRebootInOneCommand }: Facts): boolean {
  const oneCommand = softRebootInOneCommand && task.target === 'soft rebooting' && task.state === 'CONFIRMING';
  return report.phase === task.phase || (oneCommand && report.phase === 'DOWN' && task.phase === 'UP');
}

function whenQueued(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const { before, error } = report;
  if (facts.isPast) return onDeadline(task, facts);
  if (report.sending === 'NOT_SENT') {
    // We were away, or slow: nothing is wrong with the order, and there is time left to begin it.
    if (error?.code === 'GO_TOO_LATE') return { event: null, patch: {}, next: 'start' };
    return failing(
      task,
      fail(error?.code ?? 'INTERNAL', `nothing was sent: ${error?.message ?? 'no reason given'}`),
      facts,
    );
  }
  if (report.sending !== 'READY' || before === null) return STAY;
  const { target } = task;
  const off = before.powerState === 'power off';
  if (isAlreadyThere(task, before)) {
    return alreadyThere(task, before, facts);
  }
  if (off && target === 'inject nmi') {
    const reason = fail(
      'NMI_NEEDS_POWER',
      `node ${task.nodeName} is off; an NMI needs a running node. Nothing was sent`,
    );
    return failing(task, reason, facts, before.powerState);
  }
  const reboots = target === 'rebooting' || target === 'soft rebooting';
  return sending(task, before, off && reboots ? 'UP' : firstPhase(target), facts);
}

function isAlreadyThere({ target }: PowerTaskRow, before: Reading): boolean {
  const reboots = target === 'rebooting' || target === 'soft rebooting' || target === 'inject nmi';
  return !reboots && before.powerState === TARGET_TABLE[target].settlesIn;
}

function alreadyThere(task: PowerTaskRow, before: Reading, facts: Facts): Move {
  const sentence = `the node was already ${before.powerState}; nothing was sent`;
  const { mayChangeUntil } = facts;
  if (mayChangeUntil === null) return succeeding(task, before, sentence, facts);
  const move = succeeding(task, before, `${sentence}. It may still change: an older order was given up`, facts);
  return { ...move, patch: { ...move.patch, task: { ...move.patch.task, mayChangeUntil } } };
}

function sending(task: PowerTaskRow, before: Reading, phase: Phase, facts: Facts): Move {
  const started = phase === 'UP';
  const timeoutMs = started ? facts.powerStateChangeTimeoutMs : task.timeoutMs;
  const moved = {
    phase,
    beforePowerState: before.powerState,
    observedPowerState: before.powerState,
    sendingAt: facts.now,
    deadlineAt: facts.now + timeoutMs,
    message: started ? 'the node was off and is being powered on' : '',
  };
  const command = commandOf({ ...task, phase }, facts);
  return { event: 'send', patch: { task: moved, node: good(before.powerState, facts) }, next: 'go', command };
}

/** What is sent to the BMC in the task's phase. */
export function commandOf(task: Pick<PowerTaskRow, 'target' | 'phase'>, facts: Facts): OrderTarget {
  if (task.phase === 'UP') return 'power on';
  if (task.phase === 'FORCED_DOWN') return 'power off';
  if (task.target === 'soft rebooting' && !facts.softRebootInOneCommand) return 'soft power off';
  return task.target as OrderTarget;
}

function whenSending(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const idempotent = isIdempotent(task.target, task.phase);
  switch (report.sending) {
    case 'WAITING':
      return STAY;
    case 'READY':
      // A non-idempotent order has had its Go, whether it arrived or not, and never gets another.
      if (!idempotent || report.before === null) return STAY;
      if (isReached(task.target, task.phase, { reading: report.before, seenDown: task.seenDown })) {
        return finishing(task, report.before, facts);
      }
      // Its time may have passed while nobody was there to send it: no order fires hours later.
      if (facts.isPast) return onDeadline(task, facts);
      return { event: null, patch: {}, next: 'go', command: commandOf(task, facts) };
    case 'ACCEPTED':
      return { event: 'accept', patch: { task: { message: '' } }, next: 'again' };
    case 'NOT_SENT':
    case 'REFUSED':
      return failing(task, refusal(task, report), facts, report.before?.powerState ?? null);
    default:
      return idempotent ? STAY : whenNobodyKnows(task, report, facts);
  }
}

function refusal(task: PowerTaskRow, { error, sending: how }: Report): CountermandError {
  const sentence = error?.message ?? 'no reason given';
  const first = task.phase === firstPhase(task.target);
  const effect =
    how === 'REFUSED'
      ? 'the BMC refused the order'
      : first
        ? 'nothing was sent'
        : `the ${task.phase} half was not sent`;
  return fail(error?.code ?? 'INTERNAL', `${effect}: ${sentence}`);
}

/** The order may have been sent. A soft one is watched until its deadline; reset and NMI end by what can be seen. */
function whenNobodyKnows(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const message = 'the order may have been sent: no answer to it is known';
  if (TARGET_TABLE[task.target].soft || report.seenDown)
    return { event: 'accept', patch: { task: { message } }, next: 'again' };
  if (report.observed === null) return STAY;
  const { powerState } = report.observed;
  const reason = fail(
    'OUTCOME_UNKNOWN',
    `outcome unknown: the ${task.target} may have reached the BMC; the node is ${powerState}. It was not sent again`,
  );
  return failing(task, reason, facts, powerState);
}

function whenConfirming(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const { observed } = report;
  if (observed === null) return STAY;
  const seen = { reading: observed, seenDown: task.seenDown || report.seenDown };
  if (isReached(task.target, task.phase, seen)) return finishing(task, observed, facts);
  if (observed.powerState === task.observedPowerState && seen.seenDown === task.seenDown) return STAY;
  const moved = { observedPowerState: observed.powerState, seenDown: seen.seenDown };
  return { event: 'observe', patch: { task: moved, node: good(observed.powerState, facts) }, next: 'nothing' };
}

/** A phase has settled: the task has, or its second half begins. */
function finishing(task: PowerTaskRow, reading: Reading, facts: Facts): Move {
  const goesDown = task.phase === 'DOWN' || task.phase === 'FORCED_DOWN';
  if (task.target !== 'soft rebooting' || !goesDown) return succeeding(task, reading, '', facts);
  if (task.state === 'SENDING') return { event: 'accept', patch: {}, next: 'again' };
  const half = {
    phase: 'UP' as const,
    observedPowerState: reading.powerState,
    seenDown: true,
    deadlineAt: facts.now + facts.powerStateChangeTimeoutMs,
  };
  const node = good(reading.powerState, facts);
  if (facts.softRebootInOneCommand && task.phase === 'DOWN') {
    const message = 'the host went down and is starting';
    return { event: 'observe', patch: { task: { ...half, message }, node }, next: 'again' };
  }
  const message = 'the host is down and is being powered on';
  return { event: 'send_next', patch: { task: { ...half, message }, node }, next: 'start' };
}

/** What the time makes of a task; also how long it may still take. */
export function onDeadline(task: PowerTaskRow, facts: Facts): Move {
  if (!facts.isPast) return STAY;
  if (task.state === 'QUEUED') {
    const waited = Math.round(((task.startDeadlineAt ?? task.createdAt) - task.createdAt) / 1000);
    return failing(
      task,
      fail('NOT_STARTED', `nothing was sent: the order did not reach the BMC of ${task.nodeName} within ${waited} s`),
      facts,
    );
  }
  if (task.state !== 'SENDING' && task.state !== 'CONFIRMING') return STAY;
  if (task.state === 'CONFIRMING' && task.onTimeout === 'FORCE' && task.phase === 'DOWN') return forcing(task, facts);
  return timingOut(task, facts);
}

function forcing(task: PowerTaskRow, facts: Facts): Move {
  const message = `not down within ${task.timeoutMs / 1000} s; being powered off hard`;
  const half = { phase: 'FORCED_DOWN' as const, deadlineAt: facts.now + facts.powerStateChangeTimeoutMs, message };
  return { event: 'send_next', patch: { task: half }, next: 'start' };
}

function timingOut(task: PowerTaskRow, facts: Facts): Move {
  const unknown = task.state === 'SENDING' && !isIdempotent(task.target, task.phase);
  const code: ErrorCode = unknown ? 'OUTCOME_UNKNOWN' : 'TIMED_OUT';
  const wanted = phaseSettlesIn(task.target, task.phase);
  const is = task.observedPowerState ?? 'not known';
  const mayChange = task.phase === 'DOWN' || task.phase === 'FORCED_DOWN';
  const sentence = unknown
    ? `outcome unknown: nobody can tell whether the ${task.target} reached the BMC; the node was last ${is}`
    : `${task.nodeName} was not ${wanted} in time; it was last ${is}`;
  const window = mayChange ? facts.now + facts.softPowerOffTimeoutMs : null;
  const error = fail(code, mayChange ? `${sentence}. It may still go down` : sentence);
  return failing(task, error, facts, task.observedPowerState, window);
}

function good(powerState: OnOff, facts: Facts): NonNullable<PowerTaskPatch['node']> {
  return { powerState, powerStateReadAt: facts.now };
}

function succeeding(task: PowerTaskRow, reading: Reading, message: string, facts: Facts): Move {
  const { powerState } = reading;
  const sent = task.sendingAt !== null;
  const before = sent ? {} : { beforePowerState: powerState };
  // What took effect closes the window of an older order; what was already there does not.
  const window = sent ? { mayChangeUntil: null } : {};
  return {
    event: 'succeed',
    patch: {
      task: { ...before, observedPowerState: powerState, message },
      node: { ...good(powerState, facts), ...window, lastError: '' },
    },
    next: 'nothing',
  };
}

function failing(
  task: PowerTaskRow,
  error: CountermandError,
  facts: Facts,
  observed: OnOff | null = null,
  window: number | null = null,
): Move {
  const seen = observed === null ? {} : { observedPowerState: observed };
  const known = observed === null ? {} : good(observed, facts);
  const mayChange = window === null ? {} : { mayChangeUntil: window };
  const before = observed !== null && task.sendingAt === null ? { beforePowerState: observed } : {};
  return {
    event: 'fail',
    patch: {
      task: { errorCode: error.code, errorMessage: error.message, ...seen, ...before, ...mayChange },
      node: { ...known, ...mayChange, lastError: error.message },
    },
    next: 'nothing',
  };
}

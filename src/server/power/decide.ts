/**
 * What a power task does next: pure functions from a row and a report, or from a row and the time, to one move. Nothing
 * here reads a clock, a database or a network; the keeper carries the moves out.
 */
import { type CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import {
  firstPhase,
  isAlreadyThere,
  isIdempotent,
  isReached,
  mustWait,
  type NodeTraits,
  type OnOff,
  type OrderTarget,
  type Phase,
  phaseSettlesIn,
  type Reading,
  recallOf,
  TARGET_TABLE,
} from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import type { PowerTaskEvent } from '../../core/states.ts';
import type { Unreadable } from '../nodes/problems.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import { knownFrom, observedAs } from './known.ts';
import type { PowerTaskPatch } from './transition.ts';

/** What a move depends on beside the row. */
export interface Facts {
  readonly now: number;
  /** The deadline of the task's present state has passed. */
  readonly isPast: boolean;
  /** What the hardware can do where it was not asked. */
  readonly usual: NodeTraits;
  readonly softPowerOffTimeoutMs: number;
  readonly powerStateChangeTimeoutMs: number;
  /** Until when the node may still change because of an older order, or null. */
  readonly mayChangeUntil: number | null;
  /** The newest reading of the node by an agent that had the task, or null. */
  readonly lastReading: Reading | null;
}

/** One move: a row of the state table with its patch, then something to tell the agent. */
export interface Move {
  readonly event: PowerTaskEvent | null;
  readonly patch: PowerTaskPatch;
  /**
   * go: send `command`. start: prepare the next phase. again: decide again with the same report. look: read the hardware once
   * more, then call `onDeadline` with what was seen.
   */
  readonly next: 'go' | 'start' | 'again' | 'look' | 'nothing';
  readonly command?: OrderTarget;
}

/** The result of the last reading at a deadline: a reading, or why there is none. */
export interface LastLook {
  readonly reading: Reading | null;
  /** Why the hardware could not be read; null if it was. */
  readonly unreadable: Unreadable | null;
}

const STAY: Move = { event: null, patch: {}, next: 'nothing' };

/** What a report of its agent makes of a task. Reports of another phase, or of a task in another state, make nothing. */
export function onReport(task: PowerTaskRow, report: Report, facts: Facts): Move {
  if (task.state === 'QUEUED') return whenQueued(task, report, facts);
  if (!isAboutPhase(report, task, facts)) return STAY;
  if (task.state !== 'SENDING' && task.state !== 'CONFIRMING') return STAY;
  const { before } = report;
  if (report.sending === 'WAITING' && before !== null && isNeededNoMore(task, before))
    return finishing(task, before, facts);
  return task.state === 'SENDING' ? whenSending(task, report, facts) : whenConfirming(task, report, facts);
}

/** An agent that prepares an idempotent command again has read the end state: it tells so also if no leave to send reached it. */
function isNeededNoMore({ target, phase, seenDown }: PowerTaskRow, before: Reading): boolean {
  return isIdempotent(target, phase) && isReached(target, phase, { reading: before, seenDown });
}

/** Hardware that reboots on one command goes through both halves without being asked again. */
function isAboutPhase(report: Report, task: PowerTaskRow, facts: Facts): boolean {
  const oneCommand =
    traitsOf(task, facts).softRebootInOneCommand && task.target === 'soft rebooting' && task.state === 'CONFIRMING';
  return report.phase === task.phase || (oneCommand && report.phase === 'DOWN' && task.phase === 'UP');
}

/** What the hardware of the task's node could do when the order was sent. */
function traitsOf({ traits }: Pick<PowerTaskRow, 'traits'>, { usual }: Facts): NodeTraits {
  return traits ?? usual;
}

function whenQueued(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const { before, error } = report;
  if (facts.isPast) return onDeadline(task, facts);
  if (report.sending === 'NOT_SENT') {
    // We were away, or slow: nothing is wrong with the order, and there is time left to begin it.
    if (error?.code === 'GO_TOO_LATE') return { event: null, patch: {}, next: 'start' };
    return failing(task, fail(error?.code ?? 'INTERNAL', `nothing was sent: ${error?.message ?? 'no reason given'}`));
  }
  if (before === null) return STAY;
  if (report.sending === 'WAITING') return waiting(task, before, facts);
  if (report.sending !== 'READY') return STAY;
  const target = task.target as OrderTarget;
  const off = before.powerState === 'power off';
  if (isAlreadyThere(target, before)) return alreadyThere(task, before, facts);
  if (off && target === 'inject nmi') {
    const reason = fail(
      'NMI_NEEDS_POWER',
      `node ${task.nodeName} is off; an NMI needs a running node. Nothing was sent`,
    );
    return failing(task, reason, before);
  }
  const reboots = target === 'rebooting' || target === 'soft rebooting';
  return sending({ ...task, traits: report.traits }, before, off && reboots ? 'UP' : firstPhase(target), facts);
}

/**
 * The host is on its way to where the order is needed, or the BMC was away and is not believed yet. A graceful shutdown may take as long as one that we ordered; for all
 * else `start_timeout` is enough.
 */
function waiting(task: PowerTaskRow, before: Reading, facts: Facts): Move {
  const doubtful = before.doubt !== undefined;
  if (!doubtful && !mustWait(task.target, task.phase, before)) return STAY;
  const stops = !doubtful && before.powerState === 'power on';
  const message = doubtful
    ? `the BMC was away; the ${task.target} waits until it is certain that the node is ${before.powerState}`
    : `the host is ${before.host}; the ${task.target} waits until it has ${stops ? 'stopped' : 'started'}`;
  if (task.message === message) return STAY;
  const longest = facts.now + (stops ? facts.softPowerOffTimeoutMs : 0);
  const startDeadlineAt = Math.max(task.startDeadlineAt ?? facts.now, longest);
  return { event: 'wait', patch: { task: { message, startDeadlineAt } }, next: 'nothing' };
}

function alreadyThere(task: PowerTaskRow, before: Reading, facts: Facts): Move {
  const sentence = `the node was already ${before.powerState}; nothing was sent`;
  const { mayChangeUntil } = facts;
  if (mayChangeUntil === null) return succeeding(task, before, sentence);
  const move = succeeding(task, before, `${sentence}. It may still change: an older order was given up`);
  return { ...move, patch: { ...move.patch, task: { ...move.patch.task, mayChangeUntil } } };
}

function sending(task: PowerTaskRow, before: Reading, phase: Phase, facts: Facts): Move {
  const started = phase === 'UP';
  const timeoutMs = started ? facts.powerStateChangeTimeoutMs : task.timeoutMs;
  const moved = {
    phase,
    beforePowerState: before.powerState,
    ...observedAs(before),
    traits: task.traits,
    recall: recallOf(task.target, traitsOf(task, facts).recalls),
    sendingAt: facts.now,
    deadlineAt: facts.now + timeoutMs,
    message: started ? 'the node was off and is being powered on' : '',
  };
  const command = commandOf({ ...task, phase }, facts);
  return { event: 'send', patch: { task: moved, node: knownFrom(before) }, next: 'go', command };
}

/** What is sent to the BMC in the task's phase. */
function commandOf(task: Pick<PowerTaskRow, 'target' | 'phase' | 'traits'>, facts: Facts): OrderTarget {
  if (task.phase === 'UP') return 'power on';
  if (task.phase === 'FORCED_DOWN') return 'power off';
  if (task.target === 'soft rebooting' && !traitsOf(task, facts).softRebootInOneCommand) return 'soft power off';
  return task.target as OrderTarget;
}

function whenSending(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const { sending: how, observed } = report;
  if (how === 'READY') return whenReady(task, report, facts);
  if (how === 'ACCEPTED') return accepted(task, report);
  if (how === 'NOT_SENT' || how === 'REFUSED') return whenNotDone(task, report);
  if (!isIdempotent(task.target, task.phase)) return how === 'WAITING' ? STAY : whenUnknown(task, report);
  if (observed !== null && isReached(task.target, task.phase, { reading: observed, seenDown: task.seenDown }))
    return finishing(task, observed, facts);
  return retrying(task, report);
}

function accepted({ sent }: PowerTaskRow, report: Report): Move {
  const isNews = report.sent !== '' && report.sent !== sent.at(-1);
  const task = { message: '', ...(isNews && { sent: [...sent, report.sent] }) };
  return { event: 'accept', patch: { task }, next: 'again' };
}

/** The agent has read the hardware and waits for Go. A command that is not idempotent has had its Go and gets no other. */
function whenReady(task: PowerTaskRow, { before }: Report, facts: Facts): Move {
  if (before === null || !isIdempotent(task.target, task.phase)) return STAY;
  if (isReached(task.target, task.phase, { reading: before, seenDown: task.seenDown }))
    return finishing(task, before, facts);
  // Its time may have passed while no conductor ran: no order fires hours later.
  if (facts.isPast) return onDeadline(task, facts);
  return { event: null, patch: {}, next: 'go', command: commandOf(task, facts) };
}

/** The command was certainly not carried out. An agent tries a second half again; Go may have come too late for a first one. */
function whenNotDone(task: PowerTaskRow, report: Report): Move {
  const idempotent = isIdempotent(task.target, task.phase);
  if (idempotent && report.error?.code === 'GO_TOO_LATE') return { event: null, patch: {}, next: 'start' };
  if (idempotent && task.phase !== firstPhase(task.target)) return retrying(task, report);
  return failing(task, refusal(task, report), report.before);
}

/** An idempotent command that failed, or may have, is prepared again by the agent. Here it is only shown. */
function retrying(task: PowerTaskRow, { error }: Report): Move {
  if (error === null) return STAY;
  const message = `tried again after: ${error.message}`;
  return task.message === message ? STAY : { event: 'retry', patch: { task: { message } }, next: 'nothing' };
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
function whenUnknown(task: PowerTaskRow, report: Report): Move {
  const message = 'the order may have been sent: no answer to it is known';
  if (TARGET_TABLE[task.target].soft || report.seenDown)
    return { event: 'accept', patch: { task: { message } }, next: 'again' };
  if (report.observed === null || isNews(report.observed, task.beforePowerState)) return STAY;
  const { powerState } = report.observed;
  const reason = fail(
    'OUTCOME_UNKNOWN',
    `outcome unknown: the ${task.target} may have reached the BMC; the node is ${powerState}. It was not sent again`,
  );
  return failing(task, reason, report.observed);
}

function whenConfirming(task: PowerTaskRow, report: Report, facts: Facts): Move {
  const { observed } = report;
  if (report.sending === 'READY') return whenReady(task, report, facts);
  if (observed === null || observed.doubt) return STAY;
  const seen = { reading: observed, seenDown: task.seenDown || report.seenDown };
  if (isReached(task.target, task.phase, seen)) return finishing(task, observed, facts);
  if (observed.powerState === task.observedPowerState && seen.seenDown === task.seenDown) return STAY;
  const moved = { ...observedAs(observed), seenDown: seen.seenDown };
  return { event: 'observe', patch: { task: moved, node: knownFrom(observed) }, next: 'nothing' };
}

/** A phase has settled: the task has, or its second half begins. */
function finishing(task: PowerTaskRow, reading: Reading, facts: Facts): Move {
  const goesDown = task.phase === 'DOWN' || task.phase === 'FORCED_DOWN';
  if (task.target !== 'soft rebooting' || !goesDown) return succeeding(task, reading, '');
  if (task.state === 'SENDING') return { event: 'accept', patch: {}, next: 'again' };
  const half = {
    phase: 'UP' as const,
    ...observedAs(reading),
    seenDown: true,
    deadlineAt: facts.now + facts.powerStateChangeTimeoutMs,
  };
  const node = knownFrom(reading);
  if (traitsOf(task, facts).softRebootInOneCommand && task.phase === 'DOWN') {
    // A reading that shows both halves done ends the task in one move: a crash between two moves would lose it, and fail the task.
    if (isReached(task.target, 'UP', { reading, seenDown: true })) return succeeding(task, reading, '', SECOND_HALF);
    const message = 'the host went down and is starting';
    return { event: 'observe', patch: { task: { ...half, message }, node }, next: 'nothing' };
  }
  const message = 'the host is down and is being powered on';
  return { event: 'send_next', patch: { task: { ...half, message }, node }, next: 'start' };
}

/**
 * What the time makes of a task; also how long it may still take.
 * @param look the result of the last reading, which decides before a task that was sent ends FAILED; null if it is still to be
 *   made
 */
export function onDeadline(task: PowerTaskRow, facts: Facts, look: LastLook | null = null): Move {
  if (!facts.isPast) return STAY;
  if (task.state === 'QUEUED') return notStarted(task);
  if (task.state !== 'SENDING' && task.state !== 'CONFIRMING') return STAY;
  if (task.state === 'CONFIRMING' && task.onTimeout === 'FORCE' && task.phase === 'DOWN') return forcing(task, facts);
  if (look === null) return { event: null, patch: {}, next: 'look' };
  const { reading } = look;
  return reading !== null && settles(task, reading) ? finishing(task, reading, facts) : timingOut(task, look, facts);
}

function notStarted(task: PowerTaskRow): Move {
  const waited = Math.round(((task.startDeadlineAt ?? task.createdAt) - task.createdAt) / 1000);
  const { message, problem } = task;
  const why = problem === null ? message : `not readable: ${problem.code}: ${problem.message}`;
  const sentence = `nothing was sent: the order did not reach the BMC of ${task.nodeName} within ${waited} s${why && `: ${why}`}`;
  return failing(task, fail('NOT_STARTED', sentence));
}

/** A reset or an NMI that may never have been sent is not proved by a node that is on. */
function settles(task: PowerTaskRow, reading: Reading): boolean {
  const { state, target, phase, seenDown } = task;
  const provable = state === 'CONFIRMING' || isIdempotent(target, phase) || TARGET_TABLE[target].soft;
  return provable && isReached(target, phase, { reading, seenDown });
}

function forcing(task: PowerTaskRow, facts: Facts): Move {
  const message = `not down within ${task.timeoutMs / 1000} s; being powered off hard`;
  const half = { phase: 'FORCED_DOWN' as const, deadlineAt: facts.now + facts.powerStateChangeTimeoutMs, message };
  return { event: 'send_next', patch: { task: half }, next: 'start' };
}

function timingOut(task: PowerTaskRow, look: LastLook, facts: Facts): Move {
  const unknown = task.state === 'SENDING' && !isIdempotent(task.target, task.phase);
  const code: ErrorCode = unknown ? 'OUTCOME_UNKNOWN' : 'TIMED_OUT';
  const wanted = phaseSettlesIn(task.target, task.phase);
  const seen = lastSeen(look, facts);
  const mayChange = task.phase === 'DOWN' || task.phase === 'FORCED_DOWN';
  const sentence = unknown
    ? `outcome unknown: the ${task.target} may or may not have reached the BMC; the node ${seen}`
    : `${task.nodeName} was not seen ${wanted} in time; it ${seen}`;
  const tried = task.state === 'SENDING' && task.message !== '' ? `. It was ${task.message}` : '';
  const window = mayChange ? facts.now + facts.softPowerOffTimeoutMs : null;
  const error = fail(code, `${sentence}${tried}${mayChange ? '. It may still go down' : ''}`);
  return failing(task, error, look.reading ?? facts.lastReading, window);
}

/** What was really seen of the node, and what has kept it from being seen since. */
function lastSeen({ reading, unreadable }: LastLook, { lastReading, now }: Facts): string {
  if (reading !== null) return `was last ${wordsOf(reading)}${doubtOf(reading)}`;
  const why = unreadable === null ? '' : `: ${unreadable.code}: ${unreadable.message}`;
  if (lastReading === null) return `has not been read${why}`;
  const { readAt } = lastReading;
  const age = readAt === undefined ? '' : ` ${Math.max(0, Math.round((now - readAt) / 1000))} s ago`;
  return `was last read ${wordsOf(lastReading)}${age}${doubtOf(lastReading)}; not readable since${why}`;
}

/** True if a reading is doubtful and says something else than was known. */
function isNews({ doubt, powerState }: Reading, known: OnOff | null): boolean {
  return doubt !== undefined && powerState !== known;
}

/** For example `power on and stopping`. */
function wordsOf({ powerState, host }: Reading): string {
  return host === undefined || host === 'running' ? powerState : `${powerState} and ${host}`;
}

function doubtOf({ doubt }: Reading): string {
  return doubt === undefined ? '' : ', which is not certain, as its BMC had been away';
}

/** What a task is that ends as its second half does. */
const SECOND_HALF = { phase: 'UP', seenDown: true } as const;

function succeeding(
  task: PowerTaskRow,
  reading: Reading,
  message: string,
  half: Partial<typeof SECOND_HALF> = {},
): Move {
  const { powerState } = reading;
  const sent = task.sendingAt !== null;
  const before = sent ? {} : { beforePowerState: powerState };
  // What took effect closes the window of an older order; what was already there does not.
  const window = sent ? { mayChangeUntil: null } : {};
  return {
    event: 'succeed',
    patch: {
      task: { ...before, ...half, ...observedAs(reading), message },
      node: { ...knownFrom(reading), ...window, lastError: '' },
    },
    next: 'nothing',
  };
}

/** What was known of the node's power state is not known any more if another server answers at its address. */
function notReadIf({ code }: CountermandError): NonNullable<PowerTaskPatch['node']> {
  return code === 'BMC_IS_ANOTHER' ? { powerState: null, powerStateReadAt: null } : {};
}

function failing(
  task: PowerTaskRow,
  error: CountermandError,
  read: Reading | null = null,
  window: number | null = null,
): Move {
  const observed = read?.doubt ? null : read;
  const seen = observed === null ? {} : observedAs(observed);
  const known = observed === null ? notReadIf(error) : knownFrom(observed);
  const mayChange = window === null ? {} : { mayChangeUntil: window };
  const before = observed !== null && task.sendingAt === null ? { beforePowerState: observed.powerState } : {};
  return {
    event: 'fail',
    patch: {
      task: { errorCode: error.code, errorMessage: error.message, ...seen, ...before, ...mayChange },
      node: { ...known, ...mayChange, lastError: error.message },
    },
    next: 'nothing',
  };
}

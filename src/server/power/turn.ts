/**
 * What the keeper does with what has come for one power task, as data: decided before anything is written or sent. Pure functions
 * over `decide.ts`, which knows the orders, and the abort table.
 */
import { isWithin } from '../../core/clock.ts';
import type { OrderTarget, Reading } from '../../core/power.ts';
import type { Report } from '../../core/report.ts';
import { isAtRest, type PowerTaskEvent } from '../../core/states.ts';
import { problemAfter, type Unreadable } from '../nodes/problems.ts';
import type { PowerTaskRow, Problem } from '../store/rows.ts';
import type { AbortEnd } from './abort_end.ts';
import { type Facts, type LastLook, type Move, onDeadline, onReport } from './decide.ts';
import { isRecall } from './late_recalls.ts';
import { mayHandOver, type PowerTaskPatch, type TaskAndNode } from './transition.ts';

/** What has come for a power task since the last turn. */
export type Input =
  /** Its agent, or one that takes itself for it, has reported. */
  | { readonly kind: 'report'; readonly report: Report; readonly agentUuid: string }
  /** The next deadline of its row has passed. */
  | { readonly kind: 'deadline' }
  /** Take it up as its row stands: a new agent has come, or it failed a moment ago. */
  | { readonly kind: 'look' }
  /** What the last reading at a deadline has found. */
  | { readonly kind: 'looked'; readonly deadlineAt: number | null; readonly last: LastLook };

/** What a step writes. */
export type Write =
  | { readonly kind: 'move'; readonly event: PowerTaskEvent; readonly patch: PowerTaskPatch }
  | { readonly kind: 'problem'; readonly unreadable: Unreadable | null; readonly last: Reading | null }
  | { readonly kind: 'read_again'; readonly readAt: number }
  | { readonly kind: 'end_abort' | 'end_recall'; readonly end: AbortEnd }
  | { readonly kind: 'hand_over'; readonly agentUuid: string };

/**
 * What is done when that is committed. again: decide again with the same input. look: read the hardware a last time. hand_over: take
 * the task up anew. tell: give the agent its work. forget: the agent lets go of the task. rest: nothing but timers.
 */
export type Next =
  | { readonly kind: 'nothing' | 'again' | 'look' | 'hand_over' | 'tell' | 'forget' | 'rest' }
  | { readonly kind: 'go'; readonly command: OrderTarget };

/** One step of a turn: what is written for one task, and what follows. */
export interface Step {
  readonly write: Write | null;
  readonly next: Next;
  /** The newest reading that came with the input; most readings change nothing in the rows. */
  readonly seen: Reading | null;
}

/** True if the step may write that a node is in another power state than it was known to be. */
export function mayChangeModel({ write }: Step): boolean {
  if (write?.kind === 'move') return write.patch.node?.powerState !== undefined;
  return write?.kind === 'end_abort' || write?.kind === 'end_recall';
}

/** What a step depends on beside the rows and the input. */
export interface Around extends Facts {
  /** The agent that can be given the node's tasks now, or null. */
  readonly attached: string | null;
  readonly abortTimeoutMs: number;
}

const step = (kind: Exclude<Next['kind'], 'go'>, write: Write | null = null, seen: Reading | null = null): Step => ({
  write,
  next: { kind },
  seen,
});

/**
 * The step that an input leads to.
 * @param at the task and its node; null if there is no such task any more
 */
export function stepOf(input: Input, at: TaskAndNode | null, around: Around): Step {
  const unsettled = at !== null && !isAtRest(at.task.state) ? at : null;
  if (input.kind === 'report')
    return unsettled ? onReported(input.report, input.agentUuid, unsettled, around) : step('forget');
  if (unsettled === null) return step('nothing');
  if (input.kind === 'look') return onLook(unsettled, around);
  if (input.kind === 'deadline') return onDeadlinePassed(unsettled, around);
  return onLooked(input, unsettled, around);
}

function onReported(report: Report, agentUuid: string, { task, node }: TaskAndNode, around: Around): Step {
  // A fence can be guessed: only the agent that the node was handed to is believed. If another has the task, it lets go of it.
  if (report.fence !== task.fence || node.agentUuid !== agentUuid)
    return step(around.attached === null || around.attached === agentUuid ? 'nothing' : 'forget');
  const { abort } = report;
  if (isRecall(task)) return abort === null ? step('nothing') : step('rest', { kind: 'end_recall', end: abort });
  const seen = newestOf([report.before, report.observed, abort?.observed ?? null]);
  const heard = report.unreadable !== null || seen !== null;
  if (heard && isNews({ task, node }, report.unreadable, around.now))
    return step('again', { kind: 'problem', unreadable: report.unreadable, last: seen }, seen);
  if (task.state === 'ABORTING')
    return abort === null
      ? step('nothing', readAgain(node, seen), seen)
      : step('rest', { kind: 'end_abort', end: abort }, seen);
  const facts = { ...around, lastReading: seen ?? around.lastReading };
  const move = onReport(task, report, facts);
  const isIdle = move.event === null && move.next === 'nothing';
  const decided = stepOfMove(isIdle && report.observed !== null ? onDeadline(task, facts) : move, seen);
  return decided.next.kind === 'rest' ? { ...decided, write: decided.write ?? readAgain(node, seen) } : decided;
}

/** While a task watches a node, a reading that only confirms what is known of it is written this often at most. */
const READ_AGAIN_MS = 10_000;

/** That a node still is what it was, if that was last written long enough ago. How old the reading is stands beside it. */
function readAgain({ powerState, powerStateReadAt }: TaskAndNode['node'], seen: Reading | null): Write | null {
  const readAt = seen?.readAt;
  if (readAt === undefined || seen?.doubt !== undefined || seen?.powerState !== powerState) return null;
  return isWithin(READ_AGAIN_MS, powerStateReadAt ?? 0, readAt) ? null : { kind: 'read_again', readAt };
}

function onDeadlinePassed({ task }: TaskAndNode, around: Around): Step {
  const reason = `no agent answered within ${around.abortTimeoutMs / 1000} s`;
  const end = { outcome: 'FAILED', reason, observed: null } as const;
  if (isRecall(task)) return step('rest', { kind: 'end_recall', end });
  if (task.state === 'ABORTING') return step('rest', { kind: 'end_abort', end });
  return stepOfMove(onDeadline(task, around), null);
}

/** Meanwhile the task may have been aborted, or been given another deadline. */
function onLooked({ deadlineAt, last }: Input & { kind: 'looked' }, { task, node }: TaskAndNode, around: Around): Step {
  if (task.state === 'ABORTING' || task.deadlineAt !== deadlineAt) return step('nothing');
  if (isNews({ task, node }, last.unreadable, around.now))
    return step('again', { kind: 'problem', unreadable: last.unreadable, last: last.reading });
  return stepOfMove(onDeadline(task, around, last), last.reading);
}

function onLook(at: TaskAndNode, { attached }: Around): Step {
  if (attached === null || !mayHandOver(at)) return step('rest');
  return step('tell', { kind: 'hand_over', agentUuid: attached });
}

function stepOfMove({ event, patch, next, command }: Move, seen: Reading | null): Step {
  if (next === 'look') return { write: null, next: { kind: 'look' }, seen };
  const write = event === null ? null : ({ kind: 'move', event, patch } as const);
  return { write, next: nextOf(next, command), seen };
}

function nextOf(next: Exclude<Move['next'], 'look'>, command: OrderTarget | undefined): Next {
  if (next === 'go' && command !== undefined) return { kind: 'go', command };
  if (next === 'start') return { kind: 'hand_over' };
  return { kind: next === 'again' ? 'again' : 'rest' };
}

/** True if why the node cannot be read, or that it can be again, is not in the rows yet. */
function isNews({ task, node }: TaskAndNode, unreadable: Unreadable | null, now: number): boolean {
  const changes = (problem: Problem | null): boolean => problemAfter(problem, unreadable, now) !== problem;
  return changes(task.problem) || changes(node.problem);
}

/** The newest of the readings of one agent. */
function newestOf(readings: readonly (Reading | null)[]): Reading | null {
  const newer = (one: Reading | null, other: Reading | null): Reading | null =>
    one === null || (other !== null && (other.readAt ?? 0) >= (one.readAt ?? 0)) ? (other ?? one) : one;
  return readings.reduce(newer, null);
}

/** When the next deadline of a task is, by its row; null if it has none. */
export function nextDeadline(task: PowerTaskRow): number | null {
  if (task.state === 'QUEUED') return task.startDeadlineAt;
  if (task.state === 'ABORTING' || (isRecall(task) && !isAtRest(task.state))) return task.abortDeadlineAt;
  return isAtRest(task.state) ? null : task.deadlineAt;
}

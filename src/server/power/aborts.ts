/**
 * Taking orders back: the abort table on real rows, withdrawals, and what an outcome leaves behind. What is written is decided as data by
 * pure functions.
 */
import { judgeAbort } from '../../core/abort_table.ts';
import { type CountermandError, failWith } from '../../core/errors.ts';
import { type AbortTarget, TARGET_TABLE } from '../../core/power.ts';
import { isAtRest, OUTCOMES_IN_DOUBT, OUTCOMES_THAT_MAY_CHANGE } from '../../core/states.ts';
import { spanTextOfRow } from '../../core/tracing.ts';
import type { Transaction } from '../store/database.ts';
import { findPowerTask } from '../store/power_tasks.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { type AbortEnd, abortedWords, endOfAbortTask, saidOf } from './abort_end.ts';
import { knownFrom, observedAs } from './known.ts';
import { beginningOfRecall, type GivenUpTask } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import { type TaskWrite, taskOf, writeTasks } from './task_writes.ts';
import type { NewPowerTask, PowerTaskPatch, TaskAndNode } from './transition.ts';

/** The time, and the times that rule aborts. */
export interface AbortFacts extends Pick<Limits, 'abortTimeoutMs' | 'softPowerOffTimeoutMs'> {
  readonly now: number;
}

/** What the node has that an abort can mean. */
export interface Abortables {
  /** The task that holds the node, or null. */
  readonly holder: PowerTaskRow | null;
  /** If no task holds it: the order that was given up and may still change it, or null. */
  readonly givenUp: GivenUpTask | null;
}

/** What an abort begins with. */
interface AbortBeginning {
  readonly writes: readonly TaskWrite[];
  /** The uuid of the task whose agent is told: the one that is aborted, or the abort if it is a recall. Null if no agent is. */
  readonly tells: string | null;
}

/**
 * What an abort writes: the task that it means by the abort table moves to ABORTING, and the abort gets a task of its own. A task of which
 * nothing was sent is at rest at once. On a free node that may still change, an order that was given up is recalled where the hardware can.
 */
export function beginningOfAbort(
  abort: NewPowerTask & { readonly target: AbortTarget },
  { holder, givenUp }: Abortables,
  facts: AbortFacts,
): AbortBeginning {
  const verdict = judgeAbort(abort.target, holder, abort.abortsTaskUuid, givenUp);
  if (verdict.matches && holder !== null) return { writes: abortOfHolder(abort, holder, facts), tells: holder.uuid };
  if (verdict.matches && givenUp !== null)
    return { writes: beginningOfRecall(abort, givenUp.task, facts), tells: abort.uuid };
  return { writes: [nothingToAbort(abort, verdict.matches ? '' : verdict.reason, facts)], tells: null };
}

function nothingToAbort(abort: NewPowerTask, abortReason: string, { now }: AbortFacts): TaskWrite {
  const outcome = { abortsTaskUuid: null, abortOutcome: 'NOTHING_TO_ABORT' as const, abortReason };
  const task = { ...abort, ...outcome, abortRequestedAt: now, endedAt: now };
  return { kind: 'create', event: 'nothing_to_abort', task, node: {} };
}

function abortOfHolder(abort: NewPowerTask, holder: PowerTaskRow, facts: AbortFacts): TaskWrite[] {
  const begun = { abortsTaskUuid: holder.uuid, abortRequestedAt: facts.now, linkedTrace: spanTextOfRow(holder) };
  const writes: TaskWrite[] = [
    { kind: 'create', event: 'order_abort', task: { ...abort, ...begun }, node: {} },
    moveToAborting(holder, { abortTaskUuid: abort.uuid, linkedTrace: spanTextOfRow(abort) }, facts, abort.reason),
  ];
  // No Go was given, and none will be.
  const unsent: AbortEnd = { outcome: 'NOT_SENT', reason: 'the order had not been sent', observed: null };
  return holder.sendingAt === null ? [...writes, ...endingOfAbort(holder, abort, unsent, facts)] : writes;
}

function moveToAborting(
  { uuid }: PowerTaskRow,
  by: Pick<PowerTaskRow, 'abortTaskUuid' | 'linkedTrace'>,
  { now, abortTimeoutMs }: AbortFacts,
  reason = '',
): TaskWrite {
  const times = { abortRequestedAt: now, abortDeadlineAt: now + abortTimeoutMs };
  const message = reason === '' ? '' : `abort ordered: ${reason}`;
  return { kind: 'move', event: 'abort', taskUuid: uuid, patch: { task: { ...by, ...times, message } } };
}

/** How a task is withdrawn. */
interface Withdrawal {
  readonly reason: string;
  /** Where the span of the call that asked for it stands, as text; null if it is in no trace. A withdrawal has no task of its own. */
  readonly trace: string | null;
}

/** True if a task in this state can be withdrawn; with `stopWaiting`, also one whose order may still take effect. */
export function isWithdrawable({ state }: Pick<PowerTaskRow, 'state'>, stopWaiting: boolean): boolean {
  return state === 'QUEUED' || (stopWaiting && state === 'CONFIRMING');
}

/** Why a task in its state is not withdrawn. */
export function notWithdrawable({ uuid, state }: PowerTaskRow): CountermandError {
  const instead =
    state === 'CONFIRMING'
      ? 'its order was sent; with stop_waiting it is given up, and may still take effect'
      : 'only a QUEUED task can be withdrawn';
  return failWith('NOT_WITHDRAWABLE', `power task ${uuid} is ${state}; ${instead}`, {
    resource: { type: 'power_task', name: uuid },
    facts: { state },
    ...(state === 'CONFIRMING' && {
      possible: [{ verb: 'WITHDRAW_POWER_TASK', resource: uuid, stopWaiting: true }],
    }),
  });
}

/**
 * What the withdrawal of a task writes that is withdrawable. A CONFIRMING one is given up, as its order may still take effect: its outcome
 * is STOPPED_WAITING. Nothing is asked of the hardware.
 */
export function withdrawalOf(task: PowerTaskRow, { reason, trace }: Withdrawal, facts: AbortFacts): TaskWrite[] {
  const outcome = task.state === 'CONFIRMING' ? 'STOPPED_WAITING' : 'NOT_SENT';
  const what = task.state === 'CONFIRMING' ? 'given up while it was waited for' : 'withdrawn before it was sent';
  const end: AbortEnd = { outcome, reason: reason === '' ? what : `${what}: ${reason}`, observed: null };
  const aborting = moveToAborting(task, { abortTaskUuid: null, linkedTrace: trace }, facts);
  return [aborting, ...endingOfAbort(task, null, end, facts)];
}

/**
 * What the end of an abort writes: an ABORTING task ends, and the abort's own task with it.
 * @param abort its own task; null if it has none, or it is at rest
 */
export function endingOfAbort(
  task: PowerTaskRow,
  abort: Pick<PowerTaskRow, 'uuid' | 'reason'> | null,
  end: AbortEnd,
  facts: AbortFacts,
): TaskWrite[] {
  const event = end.outcome === 'TOO_LATE' ? 'abort_late' : 'abort_end';
  const patch = patchOf(task, end, facts, abort?.reason ?? '');
  const ending: TaskWrite = { kind: 'move', event, taskUuid: task.uuid, patch };
  return abort === null ? [ending] : [ending, endOfAbortTask(abort.uuid, end)];
}

/**
 * Ends an ABORTING task, and the abort's own task with it.
 * @returns null if it is not ABORTING: then nothing was written
 * @throws OVERTAKEN if one of the tasks is not that row any more
 */
export async function endAbort(
  at: TaskAndNode,
  end: AbortEnd,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode | null> {
  const { task, node } = at;
  if (task.state !== 'ABORTING') return null;
  const abort = task.abortTaskUuid === null ? null : await findPowerTask(task.abortTaskUuid, transaction.sql);
  const open = abort === null || isAtRest(abort.state) ? [] : [abort];
  const writes = endingOfAbort(task, open[0] ?? null, end, { ...limits, now: store.clock.now() });
  return taskOf(await writeTasks(writes, { node, tasks: [task, ...open] }, transaction, store), task.uuid);
}

function patchOf(
  task: PowerTaskRow,
  end: AbortEnd,
  { now, softPowerOffTimeoutMs }: AbortFacts,
  asked: string,
): PowerTaskPatch {
  const said = saidOf(end);
  const seen = end.observed === null ? {} : observedAs(end.observed);
  if (end.outcome === 'TOO_LATE') {
    const known = end.observed === null ? { powerState: TARGET_TABLE[task.target].settlesIn } : knownFrom(end.observed);
    return { task: { ...said, ...seen }, node: { ...known, lastError: '', mayChangeUntil: null } };
  }
  const mayChangeUntil = OUTCOMES_THAT_MAY_CHANGE.includes(end.outcome) ? now + softPowerOffTimeoutMs : null;
  const errorCode = end.outcome === 'FAILED' ? ('RECALL_FAILED' as const) : ('TASK_ABORTED' as const);
  const errorMessage = abortedWords(task.target, asked, end);
  const inDoubt = OUTCOMES_IN_DOUBT.includes(end.outcome);
  const node = inDoubt
    ? { powerState: 'error' as const, lastError: errorMessage, ...(mayChangeUntil === null ? {} : { mayChangeUntil }) }
    : {};
  return { task: { ...said, ...seen, errorCode, errorMessage, mayChangeUntil }, node };
}

/** Taking orders back: the abort table on real rows, withdrawals, and what an outcome leaves behind. */
import { judgeAbort } from '../../core/abort_table.ts';
import { fail } from '../../core/errors.ts';
import { type AbortTarget, TARGET_TABLE } from '../../core/power.ts';
import { isAtRest, OUTCOMES_IN_DOUBT, OUTCOMES_THAT_MAY_CHANGE } from '../../core/states.ts';
import { spanTextOfRow, textOfTrace } from '../../core/tracing.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { getNode } from '../store/nodes.ts';
import { findPowerTask } from '../store/power_tasks.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { type AbortEnd, saidOf } from './abort_end.ts';
import { knownFrom, observedAs } from './known.ts';
import { beginRecall, findGivenUp } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import { createAbort, type NewPowerTask, type PowerTaskPatch, type TaskAndNode, transition } from './transition.ts';

/** What an abort order led to: its own task, and the task that it aborts, if there is one; each with the node. */
interface AbortBegun {
  readonly abort: TaskAndNode;
  readonly aborted: TaskAndNode | null;
}

/**
 * Commits an abort: finds the task that it means by the abort table, moves it to ABORTING, and writes the abort's own
 * task. A task of which nothing was sent is at rest at once. On a free node that may still change, an order that was given up is
 * recalled where the hardware can.
 */
export async function beginAbort(
  abort: NewPowerTask & { readonly target: AbortTarget },
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<AbortBegun> {
  const node = await getNode(abort.nodeUuid, transaction.sql);
  const holder = node.heldBy === null ? null : await findPowerTask(node.heldBy, transaction.sql);
  const named = abort.abortsTaskUuid;
  const givenUp = holder === null ? await findGivenUp(node, transaction.sql, store) : null;
  const verdict = judgeAbort(abort.target, holder, named, givenUp);
  const now = store.clock.now();
  if (verdict.matches && givenUp !== null) {
    const recall = await beginRecall(abort, givenUp.task, node, limits, transaction, store);
    return { abort: recall, aborted: null };
  }
  if (holder === null || !verdict.matches) {
    const reason = verdict.matches ? '' : verdict.reason;
    const nothing = {
      ...abort,
      abortsTaskUuid: null,
      abortOutcome: 'NOTHING_TO_ABORT' as const,
      abortReason: reason,
      abortRequestedAt: now,
      endedAt: now,
    };
    return { abort: await createAbort('nothing_to_abort', nothing, node, transaction, store), aborted: null };
  }
  const recall = { ...abort, abortsTaskUuid: holder.uuid, abortRequestedAt: now, linkedTrace: spanTextOfRow(holder) };
  const own = await createAbort('order_abort', recall, node, transaction, store);
  const begun = await moveToAborting({ task: holder, node }, abort, limits, transaction, store);
  // No Go was given, and none will be.
  if (begun.task.sendingAt !== null) return { abort: own, aborted: begun };
  const unsent: AbortEnd = { outcome: 'NOT_SENT', reason: 'the order had not been sent', observed: null };
  const ended = await endBoth(begun, own.task, unsent, limits, transaction, store);
  return { abort: { ...own, task: ended.abort ?? own.task }, aborted: ended.aborted };
}

/** @throws OVERTAKEN if the task is not that row any more */
async function moveToAborting(
  at: TaskAndNode,
  abort: NewPowerTask | null,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const now = store.clock.now();
  const call = transaction.actor?.trace;
  const patch = {
    abortTaskUuid: abort?.uuid ?? null,
    abortRequestedAt: now,
    abortDeadlineAt: now + limits.abortTimeoutMs,
    message: '',
    // A withdrawal has no task, but the call that asked for it.
    linkedTrace: abort !== null ? spanTextOfRow(abort) : call ? textOfTrace(call) : null,
  };
  const aborting = await transition('abort', at, { task: patch }, transaction, store);
  if (aborting === null) throw overtaken(`power task ${at.task.uuid}`);
  return aborting;
}

/** How a task is withdrawn. */
interface Withdrawal {
  readonly reason: string;
  /** Also give up the waiting for an order that the BMC has taken. */
  readonly stopWaiting: boolean;
}

/** True if a task in this state can be withdrawn; with `stopWaiting`, also one whose order may still take effect. */
export function isWithdrawable({ state }: Pick<PowerTaskRow, 'state'>, stopWaiting: boolean): boolean {
  return state === 'QUEUED' || (stopWaiting && state === 'CONFIRMING');
}

/**
 * Takes back a QUEUED task of any target; with `stopWaiting`, also gives up a CONFIRMING one, whose order may still take
 * effect: its outcome is STOPPED_WAITING. Nothing is asked of the hardware.
 * @throws NOT_WITHDRAWABLE in any other state; OVERTAKEN if the task is not that row any more
 */
export async function withdraw(
  at: TaskAndNode,
  { reason, stopWaiting }: Withdrawal,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const { uuid, state } = at.task;
  if (!isWithdrawable(at.task, stopWaiting)) {
    const instead =
      state === 'CONFIRMING'
        ? 'its order was sent; with stop_waiting it is given up, and may still take effect'
        : 'only a QUEUED task can be withdrawn';
    throw fail('NOT_WITHDRAWABLE', `power task ${uuid} is ${state}; ${instead}`);
  }
  const outcome = state === 'CONFIRMING' ? 'STOPPED_WAITING' : 'NOT_SENT';
  const what = state === 'CONFIRMING' ? 'given up while it was waited for' : 'withdrawn before it was sent';
  const end: AbortEnd = { outcome, reason: reason === '' ? what : `${what}: ${reason}`, observed: null };
  const aborting = await moveToAborting(at, null, limits, transaction, store);
  return (await endBoth(aborting, null, end, limits, transaction, store)).aborted;
}

/**
 * Ends an ABORTING task, and the abort's own task with it.
 * @returns null if it is not ABORTING, or not that row, any more: then nothing was written
 */
export async function endAbort(
  at: TaskAndNode,
  end: AbortEnd,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode | null> {
  if (at.task.state !== 'ABORTING') return null;
  const { abortTaskUuid } = at.task;
  const abort = abortTaskUuid === null ? null : await findPowerTask(abortTaskUuid, transaction.sql);
  return (await endBoth(at, abort, end, limits, transaction, store)).aborted;
}

/** @throws OVERTAKEN if one of the tasks is not that row any more */
async function endBoth(
  at: TaskAndNode,
  abort: PowerTaskRow | null,
  end: AbortEnd,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<{ readonly aborted: TaskAndNode; readonly abort: PowerTaskRow | null }> {
  const patch = patchOf(at.task, end, limits, store.clock.now());
  const event = end.outcome === 'TOO_LATE' ? 'abort_late' : 'abort_end';
  const aborted = await transition(event, at, patch, transaction, store);
  if (aborted === null) throw overtaken(`power task ${at.task.uuid}`);
  if (abort === null || isAtRest(abort.state)) return { aborted, abort };
  const failed = end.outcome === 'FAILED';
  const error = failed ? { errorCode: 'RECALL_FAILED' as const, errorMessage: end.reason } : {};
  const own = { task: { ...error, ...saidOf(end) } };
  const ended = await transition(
    failed ? 'fail_abort' : 'end_abort',
    { task: abort, node: aborted.node },
    own,
    transaction,
    store,
  );
  if (ended === null) throw overtaken(`power task ${abort.uuid}`);
  return { aborted, abort: ended.task };
}

function patchOf(task: PowerTaskRow, end: AbortEnd, limits: Limits, now: number): PowerTaskPatch {
  const said = saidOf(end);
  const seen = end.observed === null ? {} : observedAs(end.observed);
  if (end.outcome === 'TOO_LATE') {
    const known = end.observed === null ? { powerState: TARGET_TABLE[task.target].settlesIn } : knownFrom(end.observed);
    return { task: { ...said, ...seen }, node: { ...known, lastError: '', mayChangeUntil: null } };
  }
  const mayChangeUntil = OUTCOMES_THAT_MAY_CHANGE.includes(end.outcome) ? now + limits.softPowerOffTimeoutMs : null;
  const errorCode = end.outcome === 'FAILED' ? ('RECALL_FAILED' as const) : ('TASK_ABORTED' as const);
  const errorMessage = `the ${task.target} was aborted: ${end.reason}`;
  const inDoubt = OUTCOMES_IN_DOUBT.includes(end.outcome);
  const node = inDoubt
    ? { powerState: 'error' as const, lastError: errorMessage, ...(mayChangeUntil === null ? {} : { mayChangeUntil }) }
    : {};
  return { task: { ...said, ...seen, errorCode, errorMessage, mayChangeUntil }, node };
}

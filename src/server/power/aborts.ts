/** Taking orders back: the abort table on real rows, withdrawals, and what an outcome leaves behind. */
import { judgeAbort } from '../../core/abort_table.ts';
import { fail } from '../../core/errors.ts';
import { type AbortTarget, TARGET_TABLE } from '../../core/power.ts';
import { isAtRest, OUTCOMES_IN_DOUBT, OUTCOMES_THAT_MAY_CHANGE } from '../../core/states.ts';
import type { Transaction } from '../store/database.ts';
import { getNode } from '../store/nodes.ts';
import { findPowerTask } from '../store/power_tasks.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import {
  type Moved,
  type NewPowerTask,
  type PowerTaskPatch,
  recallPowerTask,
  transition,
} from '../store/transition.ts';
import { type AbortEnd, saidOf } from './abort_end.ts';
import { knownFrom, observedAs } from './known.ts';
import { beginRecall, judgeFreeNode } from './late_recalls.ts';
import type { Limits } from './limits.ts';

/** What an abort order led to: its own task, and the task and node that it changed, if it changed any. */
export interface AbortBegun {
  readonly abort: PowerTaskRow;
  readonly aborted: Moved | null;
}

/**
 * Commits an abort: finds the task that it means by the abort table, moves it to ABORTING, and writes the abort's own
 * task. A task of which nothing was sent is at rest at once. On a free node that may still change, an order that was given up is
 * recalled where the hardware can. To be called in the lane of `holderUuid`.
 * @returns null if the node is held by another task than `holderUuid`: then nothing was written
 */
export async function beginAbort(
  abort: NewPowerTask & { readonly target: AbortTarget },
  holderUuid: string | null,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<AbortBegun | null> {
  const node = await getNode(abort.nodeUuid, transaction.sql);
  if (node.heldBy !== holderUuid) return null;
  const holder = holderUuid === null ? null : await findPowerTask(holderUuid, transaction.sql);
  const named = abort.abortsTaskUuid;
  const verdict =
    holder === null
      ? await judgeFreeNode(abort.target, node, named, transaction, store)
      : judgeAbort(abort.target, holder, named);
  const now = store.clock.now();
  if (verdict.matches && verdict.givenUp !== undefined) {
    const recall = await beginRecall(abort, verdict.givenUp, node, limits, transaction, store);
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
    const { task } = await recallPowerTask('recall_nothing', nothing, node, transaction, store);
    return { abort: task, aborted: null };
  }
  const recall = { ...abort, abortsTaskUuid: holder.uuid, abortRequestedAt: now };
  const { task } = await recallPowerTask('recall', recall, node, transaction, store);
  const aborted = await moveToAborting(holder, abort.uuid, 'the order had not been sent', limits, transaction, store);
  const ended = isAtRest(aborted.task.state) ? await findPowerTask(abort.uuid, transaction.sql) : null;
  return { abort: ended ?? task, aborted };
}

async function moveToAborting(
  holder: PowerTaskRow,
  abortTaskUuid: string | null,
  unsent: string,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  const now = store.clock.now();
  const patch = { abortTaskUuid, abortRequestedAt: now, abortDeadlineAt: now + limits.abortTimeoutMs, message: '' };
  const aborting = await transition('abort', holder.uuid, { task: patch }, transaction, store);
  if (aborting === null) throw fail('INTERNAL', `power task ${holder.uuid} moved while it was being aborted`);
  // Nobody was given leave to send, and now nobody ever will be.
  if (aborting.task.sendingAt !== null) return aborting;
  const end: AbortEnd = { outcome: 'NOT_SENT', reason: unsent, observed: null };
  return (await endAbort(aborting.task, end, limits, transaction, store)) ?? aborting;
}

/** How a task is withdrawn. */
export interface Withdrawal {
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
 * effect: its outcome is STOPPED_WAITING. To be called in its lane.
 * @throws NOT_WITHDRAWABLE in any other state
 */
export async function withdraw(
  uuid: string,
  { reason, stopWaiting }: Withdrawal,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  const task = (await findPowerTask(uuid, transaction.sql)) as PowerTaskRow;
  if (!isWithdrawable(task, stopWaiting)) {
    const instead =
      task.state === 'CONFIRMING'
        ? 'its order was sent; with stop_waiting it is given up, and may still take effect'
        : 'only a QUEUED task can be withdrawn';
    throw fail('NOT_WITHDRAWABLE', `power task ${uuid} is ${task.state}; ${instead}`);
  }
  if (task.state === 'CONFIRMING') return giveUp(task, reason, limits, transaction, store);
  const why = reason === '' ? 'withdrawn before it was sent' : `withdrawn before it was sent: ${reason}`;
  return moveToAborting(task, null, why, limits, transaction, store);
}

/** Nothing is asked of the hardware: what comes of the order is observed as after any other that was given up. */
async function giveUp(
  task: PowerTaskRow,
  reason: string,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<Moved> {
  const aborting = await moveToAborting(task, null, '', limits, transaction, store);
  const why = `given up while it was waited for${reason === '' ? '' : `: ${reason}`}`;
  const end: AbortEnd = { outcome: 'STOPPED_WAITING', reason: why, observed: null };
  return (await endAbort(aborting.task, end, limits, transaction, store)) ?? aborting;
}

/**
 * Ends an ABORTING task, and the abort's own task with it. @returns null if it was not ABORTING any more
 */
export async function endAbort(
  task: PowerTaskRow,
  end: AbortEnd,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<Moved | null> {
  const patch = patchOf(task, end, limits, store.clock.now());
  const event = end.outcome === 'TOO_LATE' ? 'abort_late' : 'abort_end';
  const ended = await transition(event, task.uuid, patch, transaction, store);
  if (ended && task.abortTaskUuid !== null) await endOwnTask(task.abortTaskUuid, end, transaction, store);
  return ended;
}

async function endOwnTask(uuid: string, end: AbortEnd, transaction: Transaction, store: Store): Promise<void> {
  const failed = end.outcome === 'FAILED';
  const error = failed ? { errorCode: 'RECALL_FAILED' as const, errorMessage: end.reason } : {};
  const task = { ...error, ...saidOf(end) };
  await transition(failed ? 'recall_fail' : 'recall_end', uuid, { task }, transaction, store);
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

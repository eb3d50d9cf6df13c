/**
 * Taking back an order that was given up already: while its node may still change, hardware that can recall still does. The abort
 * has no unsettled task to end; it is handed to an agent itself, and its outcome is written to the order that it took back as well.
 */
import type { GivenUp } from '../../core/abort_table.ts';
import { orderOf } from '../../core/power.ts';
import { OUTCOMES_IN_DOUBT } from '../../core/states.ts';
import { spanTextOfRow } from '../../core/tracing.ts';
import { mayStillChange } from '../nodes/windows.ts';
import type { Transaction } from '../store/database.ts';
import { findPowerTask, findRecall, lastWindowTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { type AbortEnd, saidOf } from './abort_end.ts';
import type { Limits } from './limits.ts';
import { annotatePowerTask, createAbort, type NewPowerTask, type TaskAndNode, transition } from './transition.ts';

/** True for an abort that takes back an order that was given up before. It has a deadline of its own. */
export function isRecall({ abortsTaskUuid, abortDeadlineAt }: PowerTaskRow): boolean {
  return abortsTaskUuid !== null && abortDeadlineAt !== null;
}

/** An order that was given up, as the abort table looks at it, with its row. */
interface GivenUpTask extends GivenUp {
  readonly task: PowerTaskRow;
}

/** The order that was given up and may still change a free node; null if there is none. */
export async function findGivenUp(node: NodeRow, sql: Transaction['sql'], store: Store): Promise<GivenUpTask | null> {
  if (node.heldBy !== null || !mayStillChange(node, store)) return null;
  const task = await lastWindowTask(node.uuid, sql);
  if (task === null) return null;
  const { uuid, target, phase, state, recall } = task;
  return { uuid, target, phase, state, recall, beingRecalled: (await findRecall(node.uuid, sql)) !== null, task };
}

/** Commits the recall of an order that was given up. An agent has to answer within `abort_timeout`. */
export async function beginRecall(
  abort: NewPowerTask,
  givenUp: PowerTaskRow,
  node: NodeRow,
  limits: Limits,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const now = store.clock.now();
  const abortDeadlineAt = now + limits.abortTimeoutMs;
  const known = { traits: givenUp.traits, linkedTrace: spanTextOfRow(givenUp) };
  const recall = { ...abort, ...known, abortsTaskUuid: givenUp.uuid, abortRequestedAt: now, abortDeadlineAt };
  const begun = await createAbort('order_abort', recall, node, transaction, store);
  await annotatePowerTask(givenUp, { abortTaskUuid: abort.uuid, abortRequestedAt: now }, transaction, store);
  return begun;
}

/**
 * Ends a recall. The order that was given up stays as it ended, and tells what became of it since; the window of the node closes if
 * it was taken back. That it went down before is left to the reading of the window, which tells it as the late change that it is.
 * @param at the recall and its node
 * @returns null if the recall had ended before, or is not that row any more: then nothing was written
 */
export async function endRecall(
  at: TaskAndNode,
  end: AbortEnd,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode | null> {
  const { outcome, reason } = end;
  const said = saidOf(end);
  const failed = outcome === 'FAILED';
  const error = failed ? { errorCode: 'RECALL_FAILED' as const, errorMessage: reason } : {};
  const closes = outcome === 'RECALLED' ? { mayChangeUntil: null } : {};
  const { task: recall, node: before } = at;
  const words = `the ${orderOf(recall.target)} was aborted after it had been given up: ${reason}`;
  const inDoubt = OUTCOMES_IN_DOUBT.includes(outcome) ? { powerState: 'error' as const, lastError: words } : {};
  // What a newer task makes of its node is not ours to write.
  const node = before.heldBy === null ? { ...inDoubt, ...closes } : {};
  const patch = { task: { ...error, ...said }, node };
  const ended = await transition(failed ? 'fail_abort' : 'end_abort', at, patch, transaction, store);
  if (ended && recall.abortsTaskUuid !== null)
    await annotate(recall.abortsTaskUuid, { ...said, ...closes }, transaction, store);
  return ended;
}

/** Tells at the order that was given up what becomes of it. */
async function annotate(
  uuid: string,
  patch: Partial<PowerTaskRow>,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const givenUp = await findPowerTask(uuid, transaction.sql);
  if (givenUp !== null) await annotatePowerTask(givenUp, patch, transaction, store);
}

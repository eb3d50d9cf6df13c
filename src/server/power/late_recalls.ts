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
import { type AbortEnd, abortedWords, endOfAbortTask, saidOf } from './abort_end.ts';
import type { Limits } from './limits.ts';
import { type TaskWrite, taskOf, writeTasks } from './task_writes.ts';
import type { NewPowerTask, TaskAndNode } from './transition.ts';

/** True for an abort that takes back an order that was given up before. It has a deadline of its own. */
export function isRecall({ abortsTaskUuid, abortDeadlineAt }: PowerTaskRow): boolean {
  return abortsTaskUuid !== null && abortDeadlineAt !== null;
}

/** An order that was given up, as the abort table looks at it, with its row. */
export interface GivenUpTask extends GivenUp {
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

/** What the recall of an order that was given up begins with. An agent has to answer within `abort_timeout`. */
export function beginningOfRecall(
  abort: NewPowerTask,
  givenUp: PowerTaskRow,
  { now, abortTimeoutMs }: Pick<Limits, 'abortTimeoutMs'> & { readonly now: number },
): TaskWrite[] {
  const known = { traits: givenUp.traits, linkedTrace: spanTextOfRow(givenUp) };
  const times = { abortRequestedAt: now, abortDeadlineAt: now + abortTimeoutMs };
  const recall = { ...abort, ...known, ...times, abortsTaskUuid: givenUp.uuid };
  const patch = { abortTaskUuid: abort.uuid, abortRequestedAt: now };
  return [
    { kind: 'create', event: 'order_abort', task: recall, node: {} },
    { kind: 'annotate', taskUuid: givenUp.uuid, patch },
  ];
}

/**
 * What the end of a recall writes. The order that was given up stays as it ended, and tells what became of it since; the window of the
 * node closes if it was taken back. That it went down before is left to the reading of the window, which tells it as the late change that
 * it is.
 * @param at the recall and its node
 * @param givenUp the uuid of the order that was given up; null if it is not kept any more
 */
export function endingOfRecall(
  { task: recall, node: before }: TaskAndNode,
  givenUp: string | null,
  end: AbortEnd,
): TaskWrite[] {
  const { outcome } = end;
  const closes = outcome === 'RECALLED' ? { mayChangeUntil: null } : {};
  const words = abortedWords(`${orderOf(recall.target)}, given up before,`, recall.reason, end);
  const inDoubt = OUTCOMES_IN_DOUBT.includes(outcome) ? { powerState: 'error' as const, lastError: words } : {};
  // What a newer task makes of its node is not ours to write.
  const node = before.heldBy === null ? { ...inDoubt, ...closes } : {};
  const ending = endOfAbortTask(recall.uuid, end, node);
  if (givenUp === null) return [ending];
  return [ending, { kind: 'annotate', taskUuid: givenUp, patch: { ...saidOf(end), ...closes } }];
}

/**
 * Ends a recall.
 * @param at the recall and its node
 * @throws OVERTAKEN if the recall has ended before, or one of the tasks is not that row any more
 */
export async function endRecall(
  at: TaskAndNode,
  end: AbortEnd,
  transaction: Transaction,
  store: Store,
): Promise<TaskAndNode> {
  const { task, node } = at;
  const { abortsTaskUuid } = task;
  const givenUp = abortsTaskUuid === null ? null : await findPowerTask(abortsTaskUuid, transaction.sql);
  const writes = endingOfRecall(at, givenUp?.uuid ?? null, end);
  const found = { node, tasks: givenUp === null ? [task] : [task, givenUp] };
  return taskOf(await writeTasks(writes, found, transaction, store), task.uuid);
}

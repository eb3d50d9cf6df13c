/** Why a node cannot be read, written to the node and to the power task that holds it. */
import type { Reading } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import { problemAfter, type Unreadable } from '../nodes/problems.ts';
import { writeNode } from '../nodes/write.ts';
import type { Transaction } from '../store/database.ts';
import { findNode } from '../store/nodes.ts';
import { findPowerTask, savePowerTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/**
 * Writes why a node cannot be read, also to the power task that holds it; null: the last reading was good. If that is as it
 * was, nothing is written.
 * @param last the last good reading, if one is known: a node that still is what it was is known to be so since then
 */
export async function noteNodeProblem(
  uuid: string,
  unreadable: Unreadable | null,
  last: Reading | null,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const before = await findNode(uuid, transaction.sql);
  if (before === null) return;
  const problem = problemAfter(before.problem, unreadable, store.clock.now());
  const patch = { problem, ...readAgain(before, last) };
  if (problem !== before.problem) await writeNode(before, patch, CAUSE, transaction, store);
  const holder = before.heldBy === null ? null : await findPowerTask(before.heldBy, transaction.sql);
  if (holder !== null && !isAtRest(holder.state)) await noteTaskProblem(holder, unreadable, transaction, store);
}

function readAgain({ powerState, powerStateReadAt }: NodeRow, last: Reading | null): Partial<NodeRow> {
  const { readAt } = last ?? {};
  const later = last?.powerState === powerState && readAt !== undefined && readAt > (powerStateReadAt ?? 0);
  return later ? { powerStateReadAt: readAt } : {};
}

async function noteTaskProblem(
  before: PowerTaskRow,
  unreadable: Unreadable | null,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const now = store.clock.now();
  const problem = problemAfter(before.problem, unreadable, now);
  if (problem === before.problem) return;
  const task = await savePowerTask(before, { problem, updatedAt: now }, transaction);
  if (task) transaction.changed({ kind: 'task', task });
}

/** A problem is no change of the cluster model. */
const CAUSE = { why: 'it could not be read, or can be read again', planUuid: null };

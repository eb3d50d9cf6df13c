/** Writing an order, an abort or a withdrawal in its turn: its rows are read, `order_step.ts` decides on them, and that is written. */
import { actingFor } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import { findNode, heldThroughSameBmc } from '../store/nodes.ts';
import { isOngoing } from '../store/plans.ts';
import { findPowerTask, findRecall, type GivenOrders, getPowerTask } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Freezes } from './freezes.ts';
import { findGivenUp } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import {
  type AbortOrder,
  type AbortRows,
  aboutOf,
  type ChangeOrder,
  type ChangeRows,
  type Obstacle,
  type OrderStep,
  stepOfAbort,
  stepOfChange,
  stepOfWithdrawal,
  type WaitingOrder,
} from './order_step.ts';
import { findLastAlike, repetitionOf } from './repeated_orders.ts';
import { taskOf, writeTasks } from './task_writes.ts';
import { findTaskAndNode, type TaskAndNode } from './transition.ts';

/** What writing an order needs. */
interface WriteParts {
  readonly store: Store;
  readonly limits: Limits;
  readonly freezes: Freezes;
}

/** What has become of an order. */
export interface Given {
  /** The task that was ordered, that aborts, or that was withdrawn. */
  readonly task: PowerTaskRow;
  /** False: it was given before. */
  readonly isNew: boolean;
  /** The task whose agent is told, with its node; or null. */
  readonly changed: TaskAndNode | null;
}

/**
 * Decides on an order in its transaction and writes it. It has no effect outside of the transaction and may be run twice.
 * @throws what refuses the order; OVERTAKEN. The caller undoes the transaction
 */
export async function writeOrder(
  order: WaitingOrder,
  given: GivenOrders,
  own: Transaction,
  parts: WriteParts,
): Promise<Given> {
  const transaction = actingFor(own, order.also);
  const step = await decide(order, given, transaction, parts);
  if (step.kind === 'refuse') throw step.error;
  if (step.kind === 'answer') return { task: step.task, isNew: false, changed: null };
  const now = await writeTasks(step.writes, step.on, transaction, parts.store);
  const { task } = taskOf(now, step.answer);
  await order.also?.note(transaction, { task });
  return { task, isNew: true, changed: step.tells === null ? null : taskOf(now, step.tells) };
}

/** Rows that a step does not need are not read. */
async function decide(
  order: WaitingOrder,
  given: GivenOrders,
  transaction: Transaction,
  parts: WriteParts,
): Promise<OrderStep> {
  const { sql } = transaction;
  const { store, limits } = parts;
  const facts = { ...limits, now: store.clock.now() };
  if (order.kind === 'withdrawal') return stepOfWithdrawal(order, await findTaskAndNode(order.taskUuid, sql), facts);
  const about = aboutOf(order);
  const earlier = about && given(about.key);
  const last = earlier ? null : await findLastAlike(order.asked, order.task.nodeUuid, sql);
  const repetition = repetitionOf(order.asked, { earlier, last }, facts);
  if (repetition !== null) return repetition;
  if (order.kind === 'abort') return stepOfAbort(order, await findAbortRows(order, sql, store), facts);
  return stepOfChange(order, await findChangeRows(order, transaction, parts), facts.now);
}

async function findChangeRows(
  { task, node: checked, guard }: ChangeOrder,
  transaction: Transaction,
  { freezes }: WriteParts,
): Promise<ChangeRows> {
  const { sql } = transaction;
  const node = await findNode(task.nodeUuid, sql);
  await guard(node, transaction);
  // As it is now: it may have come under a freeze since it was checked.
  const frozen = freezes.of(node ?? checked);
  const obstacle = node === null || frozen !== null ? null : await findObstacle(node, sql);
  return { node, frozen, obstacle };
}

async function findObstacle(node: NodeRow, sql: Transaction['sql']): Promise<Obstacle | null> {
  if (node.heldBy !== null) return obstacleOf(await getPowerTask(node.heldBy, sql), sql);
  const twin = await heldThroughSameBmc(node, sql);
  if (twin !== null) return { kind: 'twin', twin };
  // Only a node that may still change can have its order taken back meanwhile.
  const recall = node.mayChangeUntil === null ? null : await findRecall(node.uuid, sql);
  return recall && obstacleOf(recall, sql);
}

async function obstacleOf(task: PowerTaskRow, sql: Transaction['sql']): Promise<Obstacle> {
  return { kind: 'task', task, planRuns: task.planUuid !== null && (await isOngoing(task.planUuid, sql)) };
}

async function findAbortRows({ task }: AbortOrder, sql: Transaction['sql'], store: Store): Promise<AbortRows> {
  const node = await findNode(task.nodeUuid, sql);
  if (node === null) return { node, holder: null, givenUp: null };
  const holder = node.heldBy === null ? null : await findPowerTask(node.heldBy, sql);
  return { node, holder, givenUp: holder === null ? await findGivenUp(node, sql, store) : null };
}

/**
 * What the keeper does with an order, an abort or a withdrawal, as data: decided on the rows of its transaction before anything is written.
 * Pure functions, as those of `turn.ts` for what agents report.
 */
import { type CountermandError, fail } from '../../core/errors.ts';
import type { AbortTarget } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import type { Also } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import type { FreezeRow } from '../store/freezes.ts';
import { noNode } from '../store/nodes.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../store/rows.ts';
import {
  type Abortables,
  type AbortFacts,
  beginningOfAbort,
  isWithdrawable,
  notWithdrawable,
  withdrawalOf,
} from './aborts.ts';
import { frozenBy } from './freezes.ts';
import { isRecall } from './late_recalls.ts';
import { heldBy, heldThrough } from './possible.ts';
import { type KeyedOrder, keyOf, type Repetition } from './repeated_orders.ts';
import type { TasksOfNode, TaskWrite } from './task_writes.ts';
import type { NewPowerTask, TaskAndNode } from './transition.ts';
import type { Next } from './turn.ts';
import type { OrderAbout } from './turn_rows.ts';

/**
 * Has a last word in the transaction that writes a new task: what it throws refuses the order.
 * @param node as it is in that transaction; null if it was deleted
 */
export type OrderGuard = (node: NodeRow | null, transaction: Transaction) => Promise<void>;

/** An order that changes a power state, or injects an NMI. */
export interface ChangeOrder {
  readonly kind: 'change';
  readonly asked: KeyedOrder;
  readonly task: NewPowerTask;
  /** As it was when the order was checked, before its turn; and what its driver can do. */
  readonly node: NodeRow;
  readonly driver: DriverRow;
  /** The agent that is given it. */
  readonly agentUuid: string;
  readonly guard: OrderGuard;
  readonly also: Also | undefined;
}

/** An abort. */
export interface AbortOrder {
  readonly kind: 'abort';
  readonly asked: KeyedOrder;
  readonly task: NewPowerTask & { readonly target: AbortTarget };
  readonly also: Also | undefined;
}

/** A withdrawal. It has no task of its own. */
interface WithdrawalOrder {
  readonly kind: 'withdrawal';
  readonly taskUuid: string;
  readonly reason: string;
  /** Also give up the waiting for an order that the BMC has taken. */
  readonly stopWaiting: boolean;
  /** Where the span of the call that asked for it stands, as text; null if it is in no trace. */
  readonly trace: string | null;
  readonly also: Also | undefined;
}

/** What waits for its turn at the keeper. */
export type WaitingOrder = ChangeOrder | AbortOrder | WithdrawalOrder;

/** By what an order is found that was given before, and its node; null for one that cannot have been given before. */
export function aboutOf(order: WaitingOrder): OrderAbout | null {
  return order.kind === 'withdrawal' ? null : { key: keyOf(order.asked), nodeUuid: order.task.nodeUuid };
}

/** Why a node takes no order: a task that holds it or takes its last order back, or the held node behind the same BMC. */
export type Obstacle =
  | {
      readonly kind: 'task';
      readonly task: PowerTaskRow;
      /** True while the plan that ordered it can be cancelled. */
      readonly planRuns: boolean;
    }
  | { readonly kind: 'twin'; readonly twin: NodeRow };

/** What an order is decided on. */
export interface ChangeRows {
  /** Null: it was deleted. */
  readonly node: NodeRow | null;
  readonly frozen: FreezeRow | null;
  readonly obstacle: Obstacle | null;
}

/** What an abort is decided on. */
export interface AbortRows extends Abortables {
  /** Null: it was deleted. */
  readonly node: NodeRow | null;
}

/** What is done with an order. */
export type OrderStep =
  | Repetition
  | {
      readonly kind: 'write';
      /** The rows that it was decided on. */
      readonly on: TasksOfNode;
      readonly writes: readonly TaskWrite[];
      /** The uuids of the task that is the answer, and of the one whose agent is told, or null. */
      readonly answer: string;
      readonly tells: string | null;
    };

const refuse = (error: CountermandError): OrderStep => ({ kind: 'refuse', error });

/** The step of an order that was not given before. */
export function stepOfChange(
  { task, node: checked, driver, agentUuid }: ChangeOrder,
  { node, frozen, obstacle }: ChangeRows,
  now: number,
): OrderStep {
  // Whoever has frozen it meanwhile was told that nothing more is accepted.
  if (frozen !== null) return refuse(frozenBy(frozen, node ?? checked));
  if (node === null) return refuse(fail('NODE_NOT_FOUND', `node ${checked.name} was deleted`));
  if (obstacle?.kind === 'twin') return refuse(heldThrough(obstacle.twin, node));
  if (obstacle !== null) return refuse(heldBy(obstacle.task, node, driver, now, obstacle.planRuns));
  const taken = { agentUuid, fence: node.fence + 1 };
  const write = { kind: 'create', event: 'order', task, node: taken } as const;
  return { kind: 'write', on: { node, tasks: [] }, writes: [write], answer: task.uuid, tells: task.uuid };
}

/** The step of an abort that was not given before. One that finds nothing to abort is not refused. */
export function stepOfAbort({ task }: AbortOrder, { node, ...rows }: AbortRows, facts: AbortFacts): OrderStep {
  if (node === null) return refuse(noNode(task.nodeUuid));
  const tasks = [rows.holder, rows.givenUp?.task ?? null].filter((each) => each !== null);
  return { kind: 'write', on: { node, tasks }, answer: task.uuid, ...beginningOfAbort(task, rows, facts) };
}

/**
 * The step of a withdrawal: it takes back a QUEUED task of any target; with `stopWaiting`, it also gives up a CONFIRMING one.
 * @param at null if its node was deleted
 */
export function stepOfWithdrawal(order: WithdrawalOrder, at: TaskAndNode | null, facts: AbortFacts): OrderStep {
  const uuid = order.taskUuid;
  if (at === null) return refuse(fail('NODE_NOT_FOUND', `the node of power task ${uuid} was deleted`));
  const { task, node } = at;
  if (!isWithdrawable(task, order.stopWaiting)) return refuse(notWithdrawable(task));
  const writes = withdrawalOf(task, order, facts);
  return { kind: 'write', on: { node, tasks: [task] }, writes, answer: uuid, tells: uuid };
}

/**
 * What follows from an order that has written a task: its agent is told, or it is taken up anew where that agent does not have the node.
 * An agent that is lost for the moment is given the task when it, or another, attaches.
 * @param attached the agent that can be given the node's tasks now, or null
 */
export function nextOfOrder({ task, node }: TaskAndNode, attached: string | null): Next['kind'] {
  if (attached === null) return 'rest';
  if (attached === node.agentUuid && !isRecall(task)) return 'tell';
  return isAtRest(task.state) ? 'rest' : 'hand_over';
}

/** Accepting orders: what is checked before they wait for their turn at the keeper, and what they wait there as. */

import { fail, failAt } from '../../core/errors.ts';
import { firstPhase, isAbort, recallOf, TARGET_TABLE, type Target } from '../../core/power.ts';
import { type TraceContext, textOfTrace } from '../../core/tracing.ts';
import type { Attachments } from '../agents/attachments.ts';
import type { Also } from '../store/also.ts';
import { findDriver } from '../store/drivers.ts';
import { findNode, getNode } from '../store/nodes.ts';
import type { ActionRow } from '../store/plan_rows.ts';
import { findOrdered, getPowerTask } from '../store/power_tasks.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Freezes } from './freezes.ts';
import type { Keeper } from './keeper.ts';
import type { Limits } from './limits.ts';
import type { OrderGuard, WaitingOrder } from './order_step.ts';
import { refusalOf } from './possible.ts';
import { bodyOf, findLastAlike, type KeyedOrder, keyOf, type Ordered, repetitionOf } from './repeated_orders.ts';
import type { NewPowerTask } from './transition.ts';

/** One order, as a client gives it. */
export interface Order extends Ordered {
  /** The same id twice is one order. It means nothing beside: what it looks like is the client's affair. */
  readonly requestId: string;
  /** The name of the caller, and of the identity for which it acts. */
  readonly orderedBy?: string;
  readonly orderedFor?: string | null;
  /** An order that equals the last one of the same caller for this node is that order, for as long as its client may repeat it. */
  readonly joinEqual?: boolean;
  /** What is written with it. */
  readonly also?: Also;
}

/** One order, as the plan engine gives it for an action. An action gives one order in its life, and one abort of it. */
export interface OrderOfAction extends Ordered {
  /** Where the span of its action, or of the cancel, stands; null if it is in no trace. */
  readonly trace: TraceContext | null;
}

/** What accepting orders needs. */
export interface OrderParts {
  readonly store: Store;
  readonly attachments: Attachments;
  readonly keeper: Keeper;
  readonly limits: Limits;
  readonly freezes: Freezes;
}

/**
 * Accepts an order, or finds the one that this request_id already gave. The task is durable when this resolves.
 * @throws ARGUMENT_INVALID, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, REQUEST_ID_TAKEN, NODE_HELD, AGENT_NOT_ATTACHED; then
 *   nothing was written and nothing will be sent
 */
export async function giveOrder(
  { requestId, orderedBy, orderedFor = null, joinEqual = false, also, ...order }: Order,
  parts: OrderParts,
): Promise<PowerTaskRow> {
  if (requestId === '' || requestId.length > 255)
    throw failAt('ARGUMENT_INVALID', 'request_id', 'request_id has 1 to 255 characters');
  if (/\p{Cc}/u.test(requestId))
    throw failAt('ARGUMENT_INVALID', 'request_id', 'request_id has a control character, a line break for example');
  const by = {
    requestId,
    actionUuid: null,
    abortsActionUuid: null,
    planUuid: null,
    orderedBy: orderedBy ?? null,
    orderedFor,
    trace: textOf(also?.actor.trace),
  };
  return give({ ...order, by, joinEqual }, also, parts, async () => {});
}

/**
 * As `giveOrder`, for an action of a plan: finds the order, or the abort, that the action has given before.
 * @throws as `giveOrder`, and what the guard throws; then nothing was written and nothing will be sent
 */
export async function giveOrderOfAction(
  order: OrderOfAction,
  { uuid, planUuid }: Pick<ActionRow, 'uuid' | 'planUuid'>,
  parts: OrderParts,
  guard: OrderGuard = async () => {},
): Promise<PowerTaskRow> {
  const isOrder = !isAbort(order.target);
  const by = {
    requestId: null,
    actionUuid: isOrder ? uuid : null,
    abortsActionUuid: isOrder ? null : uuid,
    planUuid,
    orderedBy: null,
    orderedFor: null,
    trace: textOf(order.trace),
  };
  return give({ ...order, by, joinEqual: false }, undefined, parts, guard);
}

const textOf = (trace: TraceContext | null | undefined): string | null => (trace ? textOfTrace(trace) : null);

async function give(
  order: KeyedOrder,
  also: Also | undefined,
  parts: OrderParts,
  guard: OrderGuard,
): Promise<PowerTaskRow> {
  checkOrder(order, parts.limits);
  try {
    const given = await parts.keeper.order(await waitingOrder(order, also, parts, guard));
    also?.done(given.isNew);
    return given.task;
  } catch (error) {
    const earlier = await findGivenBefore(order, parts);
    if (earlier === null) throw error;
    return earlier;
  }
}

/** An order that was given before is answered as it is, whatever has become of its node since. */
async function findGivenBefore(order: KeyedOrder, { store, limits }: OrderParts): Promise<PowerTaskRow | null> {
  const { read } = store.database;
  const earlier = await findOrdered(keyOf(order), read);
  const node = earlier ? null : await findNode(order.node, read);
  const last = node && (await findLastAlike(order, node.uuid, read));
  const repetition = repetitionOf(order, { earlier, last }, { ...limits, now: store.clock.now() });
  if (repetition?.kind === 'refuse') throw repetition.error;
  return repetition?.task ?? null;
}

/** An order as the keeper takes it. Whether the node is held, or was frozen meanwhile, is seen in the transaction that takes it. */
async function waitingOrder(
  asked: KeyedOrder,
  also: Also | undefined,
  parts: OrderParts,
  guard: OrderGuard,
): Promise<WaitingOrder> {
  const { read } = parts.store.database;
  const node = await getNode(asked.node, read);
  const found = await findDriver(node, read);
  const owner = parts.attachments.ownerOf(node);
  const unheld = { holder: null, twin: null, recall: null, givenUp: null, frozen: parts.freezes.of(node) };
  const refusal = refusalOf(asked.target, { node, driver: found, owner, ...unheld }, parts.store.clock.now());
  if (refusal) throw refusal;
  const driver = found as DriverRow;
  const task = newTask(asked, node, driver, parts);
  const { target } = task;
  if (isAbort(target)) return { kind: 'abort', asked, task: { ...task, target }, also };
  if (owner.kind === 'none') throw fail('INTERNAL', 'an order without an agent was not refused');
  const agentUuid = owner.kind === 'attached' ? owner.attachment.hello.agentUuid : owner.agentUuid;
  return { kind: 'change', asked, task, node, driver, agentUuid, guard, also };
}

/** The longest timeout of an order of this target. A default that was configured longer is allowed as well. */
export function timeoutLimitMs(target: Target, limits: Limits): number {
  return TARGET_TABLE[target].soft
    ? Math.max(limits.softPowerOffTimeoutLimitMs, limits.softPowerOffTimeoutMs)
    : Math.max(limits.powerStateChangeTimeoutLimitMs, limits.powerStateChangeTimeoutMs);
}

function checkOrder({ target, timeoutMs, onTimeout, abortsTaskUuid }: Ordered, limits: Limits): void {
  const row = TARGET_TABLE[target];
  const limitMs = timeoutLimitMs(target, limits);
  if (timeoutMs !== null && !(Number.isSafeInteger(timeoutMs) && timeoutMs > 0)) {
    throw failAt('ARGUMENT_INVALID', 'timeout', `timeout is ${timeoutMs / 1000}; it is a positive number of seconds`);
  }
  if (timeoutMs !== null && timeoutMs > limitMs)
    throw failAt(
      'ARGUMENT_INVALID',
      'timeout',
      `timeout: ${timeoutMs / 1000} seconds; a ${target} may name at most ${limitMs / 1000}`,
    );
  if (isAbort(target) && timeoutMs !== null)
    throw failAt(
      'ARGUMENT_INVALID',
      'timeout',
      'an abort has no timeout of its own; abort_timeout of the configuration rules it',
    );
  if (onTimeout === 'FORCE' && !row.soft)
    throw failAt('ARGUMENT_INVALID', 'on_timeout', `on_timeout FORCE makes a soft order hard; ${target} is not soft`);
  if (abortsTaskUuid !== null && !isAbort(target))
    throw failAt('ARGUMENT_INVALID', 'aborts_task_uuid', `aborts_task_uuid goes with an abort, not with ${target}`);
}

function newTask(order: KeyedOrder, node: NodeRow, driver: DriverRow, { store, limits }: OrderParts): NewPowerTask {
  const soft = TARGET_TABLE[order.target].soft;
  return {
    uuid: store.chance.uuid(),
    nodeUuid: node.uuid,
    nodeName: node.name,
    target: order.target,
    phase: firstPhase(order.target),
    ...order.by,
    requestBody: bodyOf(order),
    reason: order.reason,
    // As far as its driver says. The hardware is asked before the order is sent.
    recall: recallOf(order.target, driver.recalls),
    traits: null,
    sent: [],
    timeoutMs: order.timeoutMs ?? (soft ? limits.softPowerOffTimeoutMs : limits.powerStateChangeTimeoutMs),
    onTimeout: order.onTimeout,
    beforePowerState: null,
    observedPowerState: null,
    observedReadAt: null,
    seenDown: false,
    message: '',
    errorCode: null,
    errorMessage: '',
    problem: null,
    abortTaskUuid: null,
    abortsTaskUuid: order.abortsTaskUuid,
    abortOutcome: null,
    abortReason: '',
    abortObserved: null,
    abortRequestedAt: null,
    abortDeadlineAt: null,
    startDeadlineAt: isAbort(order.target) ? null : store.clock.now() + limits.startTimeoutMs,
    sendingAt: null,
    deadlineAt: null,
    endedAt: null,
    mayChangeUntil: null,
    linkedTrace: null,
  };
}

/**
 * Takes back a QUEUED task of any target; with `stopWaiting`, also gives up a CONFIRMING one.
 * @throws POWER_TASK_NOT_FOUND, NOT_WITHDRAWABLE
 */
export async function withdrawOrder(
  taskUuid: string,
  reason: string,
  parts: OrderParts,
  stopWaiting = false,
  also?: Also,
): Promise<PowerTaskRow> {
  const { store, keeper } = parts;
  const { uuid } = await getPowerTask(taskUuid, store.database.read);
  const trace = textOf(also?.actor.trace);
  const { task } = await keeper.order({ kind: 'withdrawal', taskUuid: uuid, reason, stopWaiting, trace, also });
  also?.done(true);
  return task;
}

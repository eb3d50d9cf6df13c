/** Accepting orders: what is checked before anything is written, and the one transaction that writes them. */

import { isWithin } from '../../core/clock.ts';
import { fail, failAt } from '../../core/errors.ts';
import { type AbortTarget, firstPhase, isAbort, recallOf, TARGET_TABLE, type Target } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import { type TraceContext, textOfTrace } from '../../core/tracing.ts';
import type { Attachments } from '../agents/attachments.ts';
import { type Also, actingFor } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import { findDriver } from '../store/drivers.ts';
import { findNode, getNode } from '../store/nodes.ts';
import type { ActionRow } from '../store/plan_rows.ts';
import { isOngoing } from '../store/plans.ts';
import { findLastOf, findOrdered, getPowerTask, type OrderKey } from '../store/power_tasks.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { beginAbort, withdraw } from './aborts.ts';
import { type Freezes, frozenBy } from './freezes.ts';
import type { Keeper } from './keeper.ts';
import { isRecall } from './late_recalls.ts';
import type { Limits } from './limits.ts';
import { heldBy, heldThrough, refusalOf, type Standing } from './possible.ts';
import { findTaskAndNode, type NewPowerTask, type Obstacle, orderPowerTask } from './transition.ts';
import type { OrderAbout } from './turn_rows.ts';

/** What is ordered, whoever orders it. */
interface Ordered {
  /** Name or uuid. */
  readonly node: string;
  readonly target: Target;
  /** From the moment of sending; null is the default of the target. */
  readonly timeoutMs: number | null;
  readonly onTimeout: 'FAIL' | 'FORCE';
  readonly reason: string;
  /** Of an abort: the only task that may be aborted, or null. */
  readonly abortsTaskUuid: string | null;
}

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

/** An order with what it is found again by. */
interface Asked extends Ordered {
  readonly by: Pick<
    PowerTaskRow,
    'requestId' | 'actionUuid' | 'abortsActionUuid' | 'planUuid' | 'orderedBy' | 'orderedFor' | 'trace'
  >;
  readonly joinEqual?: boolean;
  readonly also?: Also;
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
 * Has a last word in the transaction that writes a new task: what it throws refuses the order.
 * @param node as it is in that transaction; null if it was deleted
 */
type Guard = (node: NodeRow | null, transaction: Transaction) => Promise<void>;

/**
 * Accepts an order, or finds the one that this request_id already gave. The task is durable when this resolves.
 * @throws ARGUMENT_INVALID, NODE_NOT_FOUND, TARGET_NOT_SUPPORTED, REQUEST_ID_TAKEN, NODE_HELD, AGENT_NOT_ATTACHED; then
 *   nothing was written and nothing will be sent
 */
export async function giveOrder(
  { requestId, orderedBy, orderedFor = null, ...order }: Order,
  parts: OrderParts,
): Promise<PowerTaskRow> {
  if (requestId === '' || requestId.length > 255)
    throw failAt('ARGUMENT_INVALID', 'request_id', 'request_id has 1 to 255 characters');
  const by = {
    requestId,
    actionUuid: null,
    abortsActionUuid: null,
    planUuid: null,
    orderedBy: orderedBy ?? null,
    orderedFor,
    trace: textOf(order.also?.actor.trace),
  };
  return give({ ...order, by }, parts, async () => {});
}

/**
 * As `giveOrder`, for an action of a plan: finds the order, or the abort, that the action has given before.
 * @throws as `giveOrder`, and what the guard throws; then nothing was written and nothing will be sent
 */
export async function giveOrderOfAction(
  order: OrderOfAction,
  { uuid, planUuid }: Pick<ActionRow, 'uuid' | 'planUuid'>,
  parts: OrderParts,
  guard: Guard = async () => {},
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
  return give({ ...order, by }, parts, guard);
}

const textOf = (trace: TraceContext | null | undefined): string | null => (trace ? textOfTrace(trace) : null);

async function give(order: Asked, parts: OrderParts, guard: Guard): Promise<PowerTaskRow> {
  checkOrder(order, parts.limits);
  try {
    const given = await giveNewOrder(order, parts, guard);
    order.also?.done(given.isNew);
    return given.task;
  } catch (error) {
    // An order that was given before is answered as it is, whatever has become of its node since.
    const earlier = await findOrdered(keyOf(order), parts.store.database.read);
    if (earlier) return joined(earlier, order);
    const node = await findNode(order.node, parts.store.database.read);
    const equal = node && (await findEqual(order, node.uuid, parts, parts.store.database.read));
    if (equal) return equal;
    throw error;
  }
}

/**
 * The order that this one repeats, or null. It is the last one of its caller for the node: on, off and on again are three orders.
 * It is read from the rows, so a restart of the conductor makes no second order of the first.
 */
async function findEqual(order: Asked, nodeUuid: string, { store, limits }: OrderParts, sql: Transaction['sql']) {
  const { orderedBy, orderedFor } = order.by;
  if (!order.joinEqual || orderedBy === null) return null;
  const last = await findLastOf(orderedBy, nodeUuid, sql);
  if (last === null || last.orderedFor !== orderedFor || last.requestBody !== bodyOf(order)) return null;
  const isRecent = isWithin(limits.repetitionWindowMs, last.createdAt, store.clock.now());
  return isRecent || !isAtRest(last.state) ? last : null;
}

function keyOf({ by: { requestId, actionUuid, abortsActionUuid } }: Asked): OrderKey {
  if (requestId !== null) return { requestId };
  return actionUuid === null ? { abortsActionUuid } : { actionUuid };
}

const aboutOf = (order: Asked, { nodeUuid }: NewPowerTask): OrderAbout => ({ key: keyOf(order), nodeUuid });

/** What has become of an order. */
interface Given {
  readonly task: PowerTaskRow;
  /** False: it was given before. */
  readonly isNew: boolean;
}

const givenBefore = (task: PowerTaskRow) => ({ answer: { task, isNew: false }, changed: null });

async function giveNewOrder(order: Asked, parts: OrderParts, guard: Guard): Promise<Given> {
  const { database } = parts.store;
  const node = await getNode(order.node, database.read);
  const driver = await findDriver(node, database.read);
  // Whether the node is held is seen in the transaction that takes it.
  const unheld = { holder: null, twin: null, recall: null, givenUp: null, frozen: parts.freezes.of(node) };
  const standing = { node, driver, owner: parts.attachments.ownerOf(node), ...unheld };
  const refusal = refusalOf(order.target, standing, parts.store.clock.now());
  if (refusal) throw refusal;
  const task = newTask(order, node, driver as DriverRow, parts);
  const { target } = task;
  if (isAbort(target)) return giveAbort(order, { ...task, target }, parts);
  return giveChange(order, task, standing, guard, parts);
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

/** An order that may be joined is never equal to one with a request_id of its client. */
function bodyOf({
  target,
  timeoutMs,
  onTimeout,
  reason,
  abortsTaskUuid,
  joinEqual,
}: Ordered & Pick<Asked, 'joinEqual'>) {
  return JSON.stringify({ target, timeoutMs, onTimeout, reason, abortsTaskUuid, ...(joinEqual && { joinEqual }) });
}

function joined(earlier: PowerTaskRow, order: Asked): PowerTaskRow {
  const sameNode = earlier.nodeUuid === order.node || earlier.nodeName === order.node;
  const { requestId } = order.by;
  if (requestId === null) {
    // An earlier version may have worded the order of an action otherwise; it is the same order all the same.
    if (sameNode && earlier.target === order.target) return earlier;
    throw fail('INTERNAL', `power task ${earlier.uuid} of an action is a ${earlier.target} of ${earlier.nodeName}`);
  }
  if (sameNode && earlier.requestBody === bodyOf(order)) return earlier;
  throw fail(
    'REQUEST_ID_TAKEN',
    `request_id '${requestId}' was used for a ${earlier.target} of ${earlier.nodeName} (power task ${earlier.uuid}); choose another`,
  );
}

function newTask(order: Asked, node: NodeRow, driver: DriverRow, { store, limits }: OrderParts): NewPowerTask {
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

async function giveChange(
  order: Asked,
  task: NewPowerTask,
  standing: Standing,
  guard: Guard,
  parts: OrderParts,
): Promise<Given> {
  const { store, keeper } = parts;
  const { owner } = standing;
  if (owner.kind === 'none') throw fail('INTERNAL', 'an order without an agent was not refused');
  const agentUuid = owner.kind === 'attached' ? owner.attachment.hello.agentUuid : owner.agentUuid;
  return keeper.order(aboutOf(order, task), async (own, earlier) => {
    const transaction = actingFor(own, order.also);
    if (earlier) return givenBefore(joined(earlier, order));
    const equal = await findEqual(order, task.nodeUuid, parts, transaction.sql);
    if (equal) return givenBefore(equal);
    const node = await findNode(task.nodeUuid, transaction.sql);
    await guard(node, transaction);
    // Whoever has frozen it meanwhile was told that nothing more is accepted.
    const frozen = parts.freezes.of(standing.node);
    if (frozen) throw frozenBy(frozen, standing.node);
    if (node === null) throw fail('NODE_NOT_FOUND', `node ${standing.node.name} was deleted`);
    const ordered = await orderPowerTask(task, node, agentUuid, transaction, store);
    if (ordered.kind !== 'ordered') throw await heldByObstacle(ordered, node, standing.driver, transaction, store);
    await order.also?.note(transaction, { task: ordered.task });
    return { answer: { task: ordered.task, isNew: true }, changed: ordered };
  });
}

async function heldByObstacle(
  obstacle: Obstacle,
  node: NodeRow,
  driver: DriverRow | null,
  { sql }: Transaction,
  { clock }: Store,
): Promise<Error> {
  if (obstacle.kind === 'twin') return heldThrough(obstacle.twin, node);
  const holder = obstacle.kind === 'recall' ? obstacle.recall : await getPowerTask(obstacle.taskUuid, sql);
  const planRuns = holder.planUuid !== null && (await isOngoing(holder.planUuid, sql));
  return heldBy(holder, node, driver, clock.now(), planRuns);
}

/** An abort is written before what agents have reported meanwhile: no leave to send is given after it is committed. */
async function giveAbort(
  order: Asked,
  abort: NewPowerTask & { target: AbortTarget },
  parts: OrderParts,
): Promise<Given> {
  const { store, keeper, limits } = parts;
  return keeper.order(aboutOf(order, abort), async (own, earlier) => {
    const transaction = actingFor(own, order.also);
    if (earlier) return givenBefore(joined(earlier, order));
    const equal = await findEqual(order, abort.nodeUuid, parts, transaction.sql);
    if (equal) return givenBefore(equal);
    const begun = await beginAbort(abort, limits, transaction, store);
    await order.also?.note(transaction, { task: begun.abort.task });
    const { task } = begun.abort;
    return { answer: { task, isNew: true }, changed: begun.aborted ?? (isRecall(task) ? begun.abort : null) };
  });
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
  const { store, keeper, limits } = parts;
  const { uuid } = await getPowerTask(taskUuid, store.database.read);
  const answer = await keeper.order(null, async (own) => {
    const transaction = actingFor(own, also);
    const at = await findTaskAndNode(uuid, transaction.sql);
    if (at === null) throw fail('NODE_NOT_FOUND', `the node of power task ${uuid} was deleted`);
    const withdrawn = await withdraw(at, { reason, stopWaiting }, limits, transaction, store);
    await also?.note(transaction, { task: withdrawn.task });
    return { answer: withdrawn.task, changed: withdrawn };
  });
  also?.done(true);
  return answer;
}

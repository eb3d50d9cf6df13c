/** Orders that were given before: how an order is found again, and when one that looks like another is that one. */
import { isWithin } from '../../core/clock.ts';
import { type CountermandError, fail, failAt } from '../../core/errors.ts';
import type { Target } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import type { Transaction } from '../store/database.ts';
import { findLastOf, type OrderKey } from '../store/power_tasks.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Limits } from './limits.ts';

/** What is ordered, whoever orders it. */
export interface Ordered {
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

/** An order with what it is found again by. */
export interface KeyedOrder extends Ordered {
  readonly by: Pick<
    PowerTaskRow,
    'requestId' | 'actionUuid' | 'abortsActionUuid' | 'planUuid' | 'orderedBy' | 'orderedFor' | 'trace'
  >;
  /** An order that equals the last one of the same caller for this node is that order. */
  readonly joinEqual: boolean;
}

/** The task that an order was given as before, or why it cannot be given. */
export type Repetition =
  | { readonly kind: 'answer'; readonly task: PowerTaskRow }
  | { readonly kind: 'refuse'; readonly error: CountermandError };

/** By what an order is found again. */
export function keyOf({ by: { requestId, actionUuid, abortsActionUuid } }: KeyedOrder): OrderKey {
  if (requestId !== null) return { requestId };
  return actionUuid === null ? { abortsActionUuid } : { actionUuid };
}

/** An order as text: equal orders have equal ones. An order that may be joined is never equal to one with a request_id of its client. */
export function bodyOf({
  target,
  timeoutMs,
  onTimeout,
  reason,
  abortsTaskUuid,
  joinEqual,
}: Omit<KeyedOrder, 'by' | 'node'>): string {
  return JSON.stringify({ target, timeoutMs, onTimeout, reason, abortsTaskUuid, ...(joinEqual && { joinEqual }) });
}

/**
 * The last order of its caller for the node, if this one may be joined to it; or null. On, off and on again are three orders. It is read
 * from the rows, so a restart of the conductor makes no second order of the first.
 */
export async function findLastAlike(
  { joinEqual, by: { orderedBy } }: KeyedOrder,
  nodeUuid: string,
  sql: Transaction['sql'],
): Promise<PowerTaskRow | null> {
  return joinEqual && orderedBy !== null ? findLastOf(orderedBy, nodeUuid, sql) : null;
}

/**
 * What the answer to an order is that was given before; null if it was not.
 * @param earlier the task that is found by its key, or null
 * @param last the last order that it may be joined to, or null
 */
export function repetitionOf(
  order: KeyedOrder,
  { earlier, last }: { readonly earlier: PowerTaskRow | null; readonly last: PowerTaskRow | null },
  facts: Pick<Limits, 'repetitionWindowMs'> & { readonly now: number },
): Repetition | null {
  if (earlier !== null) return joined(earlier, order);
  return last !== null && isEqual(last, order, facts) ? { kind: 'answer', task: last } : null;
}

function isEqual(
  last: PowerTaskRow,
  order: KeyedOrder,
  { now, repetitionWindowMs }: Pick<Limits, 'repetitionWindowMs'> & { readonly now: number },
): boolean {
  if (last.orderedFor !== order.by.orderedFor || last.requestBody !== bodyOf(order)) return false;
  return isWithin(repetitionWindowMs, last.createdAt, now) || !isAtRest(last.state);
}

function joined(earlier: PowerTaskRow, order: KeyedOrder): Repetition {
  const sameNode = earlier.nodeUuid === order.node || earlier.nodeName === order.node;
  const { requestId } = order.by;
  // An earlier version may have worded the order of an action otherwise; it is the same order all the same.
  const isSame = requestId === null ? earlier.target === order.target : earlier.requestBody === bodyOf(order);
  if (sameNode && isSame) return { kind: 'answer', task: earlier };
  const error =
    requestId === null
      ? fail('INTERNAL', `power task ${earlier.uuid} of an action is a ${earlier.target} of ${earlier.nodeName}`)
      : failAt(
          'REQUEST_ID_TAKEN',
          'request_id',
          `request_id '${requestId}' was used for a ${earlier.target} of ${earlier.nodeName} (power task ${earlier.uuid}); choose another`,
        );
  return { kind: 'refuse', error };
}

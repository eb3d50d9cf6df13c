/** What may be ordered for a plan now: what its state allows, as far as the code that decides on it would accept it. */
import type { Possible } from '../../core/possible.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { rollbacksOf } from '../store/plans.ts';
import { blockerOf, frozenOf } from './launch.ts';
import type { PlanParts } from './parts.ts';
import { type PlanVerb, planVerbs } from './possible.ts';
import { acceptedRollback } from './rollback_order.ts';
import { isTooOld } from './staleness.ts';

type Sql = Transaction['sql'];

/**
 * The orders, with the flags without which they would be refused.
 * @param largest a rollback of a plan with more actions is not looked into, which would take long; its preview, which is
 *   never refused, is named instead
 */
export async function offersFor(
  plan: ActionPlanRow,
  parts: PlanParts,
  sql: Sql,
  largest = Number.POSITIVE_INFINITY,
): Promise<Possible[]> {
  const rollback = (await rollbacksOf([plan], sql)).get(plan.rolledBackBy ?? '') ?? null;
  const offers: Possible[] = [];
  for (const verb of planVerbs(plan, rollback, parts.orders.store.clock.now())) {
    const offer = await offerOf(verb, plan, parts, sql, largest);
    if (offer !== null) offers.push(offer);
  }
  return offers;
}

/** What is accepted as it is, also while the disk is full. */
const ENDS: readonly PlanVerb[] = ['CANCEL_ACTION_PLAN', 'DELETE_ACTION_PLAN', 'REJECT_ACTION_PLAN'];

/** One order with the flags that make it accepted; null if none do. */
async function offerOf(
  verb: PlanVerb,
  plan: ActionPlanRow,
  parts: PlanParts,
  sql: Sql,
  largest: number,
): Promise<Possible | null> {
  const plain = { verb, resource: plan.uuid };
  if (ENDS.includes(verb)) return plain;
  const { database } = parts.orders.store;
  // What begins work is refused while the disk is full.
  if (database.isFull) return null;
  const begins = verb === 'START_ACTION_PLAN' || verb === 'APPROVE_ACTION_PLAN';
  if (begins && (await frozenOf(plan, parts.orders, sql)) !== null) return null;
  if (verb === 'START_ACTION_PLAN')
    return { ...plain, queue: (await blockerOf(plan, sql)) !== null, force: isTooOld(plan, parts) };
  if (verb === 'APPROVE_ACTION_PLAN') return { ...plain, queue: (await blockerOf(plan, sql)) !== null };
  if (plan.size > largest) return { ...plain, verb: 'PREVIEW_ROLLBACK' };
  const options = await acceptedRollback(plan, parts.orders, sql);
  return options && { ...plain, ...options };
}

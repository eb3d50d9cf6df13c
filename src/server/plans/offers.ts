/** What may be ordered for a plan now: what its state allows, as far as the code that decides on it would accept it. */
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { rollbacksOf } from '../store/plans.ts';
import { blockerOf } from './launch.ts';
import type { PlanParts } from './parts.ts';
import { type PlanVerb, planVerbs } from './possible.ts';
import { acceptedRollback } from './rollback_order.ts';
import { isTooOld } from './staleness.ts';

type Sql = Transaction['sql'];

/**
 * The orders in words of the command line, with the flags without which they would be refused: "plan start UUID --queue".
 * @param largest a rollback of a plan with more actions is not looked into, which would take long; its preview, which is
 *   never refused, is named instead
 */
export async function offersFor(
  plan: ActionPlanRow,
  parts: PlanParts,
  sql: Sql,
  largest = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const rollback = (await rollbacksOf([plan], sql)).get(plan.rolledBackBy ?? '') ?? null;
  const offers: string[] = [];
  for (const verb of planVerbs(plan, rollback, parts.orders.store.clock.now())) {
    const flags = await flagsOf(verb, plan, parts, sql, largest);
    if (flags !== null) offers.push([`plan ${verb} ${plan.uuid}`, ...flags].join(' '));
  }
  return offers;
}

/** The flags that make an order accepted; null if none do. */
async function flagsOf(
  verb: PlanVerb,
  plan: ActionPlanRow,
  parts: PlanParts,
  sql: Sql,
  largest: number,
): Promise<string[] | null> {
  if (verb === 'cancel' || verb === 'delete') return [];
  const { clock, database } = parts.orders.store;
  // What begins work is refused while the disk is full.
  if (database.isFull) return null;
  if (verb === 'start') {
    const queue = (await blockerOf(plan, sql)) === null ? [] : ['--queue'];
    return isTooOld(plan, parts) ? [...queue, '--force'] : queue;
  }
  if (plan.size > largest) return ['--preview'];
  const options = await acceptedRollback(plan, clock.now(), sql);
  if (options === null) return null;
  const { skipIrreversible, acceptDrift } = options;
  return [...(skipIrreversible ? ['--skip-irreversible'] : []), ...(acceptDrift ? ['--accept-drift'] : [])];
}

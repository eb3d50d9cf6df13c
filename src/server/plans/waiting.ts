/** What a plan waits for that was started and is not launched yet. */
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { blockerOf, frozenOf } from './launch.ts';
import type { PlanParts } from './parts.ts';
import { waitsForApproval } from './possible.ts';

/**
 * What a plan waits for now, in words that follow "it waits for". Empty if it is not PENDING, or its turn has just come. Another plan is told by
 * its uuid alone: who may see this one need not see that one.
 * @param largest the actions of a plan with more are not compared with the freezes
 */
export async function waitsFor(
  plan: ActionPlanRow,
  { orders }: PlanParts,
  sql: Transaction['sql'],
  largest = Number.POSITIVE_INFINITY,
): Promise<string> {
  if (plan.state !== 'PENDING') return '';
  if (waitsForApproval(plan)) return `a second person: ${plan.approvalWhy}`;
  const blocker = await blockerOf(plan, sql);
  if (blocker !== null) return `its turn: plan ${blocker.uuid} is ${blocker.state} on some of its nodes`;
  const frozen = plan.size > largest ? null : await frozenOf(plan, orders, sql);
  return frozen === null ? '' : `the end of a freeze: ${frozen.message}`;
}

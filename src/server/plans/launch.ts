/** The start and the launch of a plan, whoever starts and launches it. */
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { findEarlier, findOverlap, nextStartOrder } from '../store/plans.ts';
import type { Store } from '../store/store.ts';
import { supersedeByLaunch } from './supersede.ts';
import { movePlan } from './transition.ts';

/** A plan that another has to wait for, or null: one that runs, or was started before it, about one of its nodes. */
export async function blockerOf(plan: ActionPlanRow, sql: Transaction['sql']): Promise<ActionPlanRow | null> {
  return (await findOverlap(plan.uuid, sql)) ?? (await findEarlier(plan, sql));
}

/** Moves a RECOMMENDED plan to PENDING, behind all that wait. @returns null if it was in another state */
export async function startPlan(
  plan: ActionPlanRow,
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<ActionPlanRow | null> {
  const order = { startedAt: store.clock.now(), startOrder: await nextStartOrder(transaction) };
  const started = await movePlan('start', plan, { ...patch, ...order }, transaction, store);
  return started?.plan ?? null;
}

/**
 * Moves a PENDING plan to ONGOING and supersedes what overlaps with it. The caller has seen that nothing is in its way, and
 * runs it after the commit.
 * @returns the plan as it now is; as it was if it was not PENDING
 */
export async function launchPlan(plan: ActionPlanRow, transaction: Transaction, store: Store): Promise<ActionPlanRow> {
  const launched = await movePlan('launch', plan, { launchedAt: store.clock.now() }, transaction, store);
  if (launched === null) return plan;
  await supersedeByLaunch(launched.plan, transaction, store);
  return launched.plan;
}

/** The start and the launch of a plan, whoever starts and launches it. */
import type { CountermandError } from '../../core/errors.ts';
import { ownTraceOf, textOfTrace } from '../../core/tracing.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { findEarlier, findOverlap, nextStartOrder, type PlanContext } from '../store/plans.ts';
import type { Store } from '../store/store.ts';
import { frozenIn } from './held_back.ts';
import type { PlanParts } from './parts.ts';
import { waitsForApproval } from './possible.ts';
import { supersedeByLaunch } from './supersede.ts';
import { stepsOfPlan } from './takes_down.ts';
import { movePlan } from './transition.ts';

/** A plan that another has to wait for, or null: one that runs, or was started before it, about one of its nodes. */
export async function blockerOf(plan: ActionPlanRow, sql: Transaction['sql']): Promise<ActionPlanRow | null> {
  return (await findOverlap(plan.uuid, sql)) ?? (await findEarlier(plan, sql));
}

/** NODE_FROZEN for a plan with an action about a node that takes no orders, or null. */
export async function frozenOf(
  plan: ActionPlanRow,
  { freezes }: PlanParts['orders'],
  sql: Transaction['sql'],
): Promise<CountermandError | null> {
  return freezes.list().length === 0 ? null : frozenIn(await stepsOfPlan(plan, sql), freezes);
}

/** @throws NODE_FROZEN as `frozenOf` answers it */
export async function refuseFrozen(plan: ActionPlanRow, { orders }: PlanParts, { sql }: Transaction): Promise<void> {
  const frozen = await frozenOf(plan, orders, sql);
  if (frozen) throw frozen;
}

/** Moves a RECOMMENDED plan to PENDING, behind all that wait. @returns null if it was in another state */
export async function startPlan(
  before: PlanContext,
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext | null> {
  const { actor } = transaction;
  const by = { startedBy: actor?.identity ?? null, startedFor: actor?.onBehalfOf ?? null };
  const trace = actor?.trace ? textOfTrace(actor.trace) : ownTraceOf(before.plan.uuid, store.traces);
  const order = { startedAt: store.clock.now(), startOrder: await nextStartOrder(transaction) };
  return movePlan('start', before, { ...by, trace, ...patch, ...order }, transaction, store);
}

/**
 * Moves a PENDING plan to ONGOING and supersedes what overlaps with it. The caller has seen that nothing is in its way, and
 * runs it after the commit. This is the only way to ONGOING: what waits for a second person does not pass.
 * @returns the plan as it now is; as it was if it waits for a second person
 * @throws OVERTAKEN if it is not PENDING, or is not that row any more
 */
export async function launchPlan(before: PlanContext, transaction: Transaction, store: Store): Promise<ActionPlanRow> {
  const { plan } = before;
  if (waitsForApproval(plan)) return plan;
  const launched = await movePlan('launch', before, { launchedAt: store.clock.now() }, transaction, store);
  if (launched === null) throw overtaken(`plan '${plan.name}'`);
  await supersedeByLaunch(launched.plan, transaction, store);
  return launched.plan;
}

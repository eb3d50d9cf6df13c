/** Plans that were not launched in time, and the history of the cluster model: what is looked after now and then. */
import { sleep } from '../../core/signals.ts';
import { retry } from '../retry.ts';
import { forgetModelChanges, isAnyChangeOld } from '../store/cluster_model.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import { listOldPlans } from '../store/plans.ts';
import type { PlanParts } from './parts.ts';
import { canBecomeStale, NOT_LAUNCHED, supersedePlans } from './supersede.ts';

/** How long the changes of the cluster model can be read. */
const MODEL_CHANGES_KEPT_MS = 7 * 24 * 3_600_000;
/** At most this many plans are superseded in one transaction; others can write in between. */
const PLANS_AT_ONCE = 1000;

/** True if a plan waits longer than action_plan_expiry allows, and no operator has said that it may. */
export function isTooOld(plan: ActionPlanRow, { orders, planLimits }: PlanParts): boolean {
  const { actionPlanExpiryMs } = planLimits;
  if (actionPlanExpiryMs === 0 || plan.forced || !canBecomeStale(plan)) return false;
  return orders.store.clock.now() - plan.createdAt >= actionPlanExpiryMs;
}

/** Why a plan that is too old is superseded. */
export function whyTooOld({ orders, planLimits }: PlanParts): string {
  const hours = planLimits.actionPlanExpiryMs / 3_600_000;
  return `at ${new Date(orders.store.clock.now()).toISOString()} it was older than action_plan_expiry, ${hours} h`;
}

/**
 * Supersedes the plans that are too old and forgets old changes of the model, now and every check_periodic_interval, until
 * the shutdown; resolves then.
 */
export async function keepPlansFresh(parts: PlanParts): Promise<void> {
  const { orders, planLimits, log, shutdown } = parts;
  const { clock, database } = orders.store;
  const check = async (): Promise<void> => {
    await supersedeOldPlans(parts);
    if (!(await isAnyChangeOld(clock.now() - MODEL_CHANGES_KEPT_MS, database.read))) return;
    const forget = () =>
      database.write((transaction) => forgetModelChanges(clock.now() - MODEL_CHANGES_KEPT_MS, transaction));
    while ((await forget()) && !shutdown.aborted);
  };
  const about = { message: 'the age of plans could not be checked', fields: {} };
  while (!shutdown.aborted) {
    await retry(check, about, { clock, log }, shutdown).catch(() => {});
    await sleep(planLimits.checkPeriodicIntervalMs, clock, shutdown).catch(() => {});
  }
}

async function supersedeOldPlans(parts: PlanParts): Promise<void> {
  const { orders, planLimits, shutdown } = parts;
  const { store } = orders;
  if (planLimits.actionPlanExpiryMs === 0) return;
  const createdBy = (): number => store.clock.now() - planLimits.actionPlanExpiryMs;
  // Nearly always there is none: that is seen without a transaction, which would be a commit of nothing.
  if ((await listOldPlans(NOT_LAUNCHED, createdBy(), 1, store.database.read)).length === 0) return;
  let found = PLANS_AT_ONCE;
  while (found === PLANS_AT_ONCE && !shutdown.aborted) {
    found = await store.database.write(async (transaction) => {
      const plans = await listOldPlans(NOT_LAUNCHED, createdBy(), PLANS_AT_ONCE, transaction.sql);
      await supersedePlans(plans, whyTooOld(parts), transaction, store);
      return plans.length;
    });
  }
}

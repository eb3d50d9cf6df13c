/**
 * Superseding: a plan that was not launched yet and has become stale ends SUPERSEDED, in the very transaction that made it
 * so. Whatever starts or launches plans looks at their rows in a transaction of its own, so no stale plan can begin.
 */
import { type ActionPlanState, isPlanAtRest } from '../../core/states.ts';
import { listActionsOf } from '../store/actions.ts';
import type { NodeChanges } from '../store/cluster_model.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import {
  byAge,
  findPlan,
  getPlans,
  listOverlapping,
  type PlanContext,
  plansAbout,
  withAudits,
} from '../store/plans.ts';
import type { ModelHook, Store } from '../store/store.ts';
import { reverseOrder } from './graph.ts';
import { moveActionsOf, movePlans } from './transition.ts';

/** The states that a plan can be superseded from. */
export const NOT_LAUNCHED: readonly ActionPlanState[] = ['RECOMMENDED', 'PENDING'];

/** How many actions are moved at a time, if they belong to more than one plan. */
const ACTIONS_AT_ONCE = 5000;

/**
 * True if a plan can become stale. A rollback cannot: it looks at what has drifted when it is launched.
 */
export function canBecomeStale({ state, rollbackOf }: Pick<ActionPlanRow, 'state' | 'rollbackOf'>): boolean {
  return rollbackOf === null && NOT_LAUNCHED.includes(state);
}

/**
 * Supersedes those of these plans that can become stale.
 * @param plans as they are in this transaction
 * @param why says what made them so, about which node, and when
 * @returns those that were superseded, as they now are
 * @throws OVERTAKEN if one of them is not that row any more
 */
export async function supersedePlans(
  plans: readonly ActionPlanRow[],
  why: string,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext[]> {
  const stale = plans.filter(canBecomeStale).sort(byAge);
  const superseded: PlanContext[] = [];
  for (const contexts of inPortions(await withAudits(stale, transaction.sql))) {
    const statusMessage = 'the plan was superseded before it ran';
    await moveAllActions('drop', contexts, { statusMessage }, transaction, store);
    superseded.push(...(await movePlans('supersede', contexts, { statusMessage: why }, transaction, store)));
  }
  // The actions of one that was left alone have moved.
  if (superseded.length < stale.length) throw overtaken('a plan that was to be superseded');
  return superseded;
}

/** Moves every action of these plans, in reverse dependency order. */
export async function moveAllActions(
  event: 'drop' | 'delete',
  contexts: readonly PlanContext[],
  patch: { readonly statusMessage?: string },
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const uuids = contexts.map(({ plan }) => plan.uuid);
  const byPlan = Map.groupBy(await listActionsOf(uuids, transaction.sql), (action) => action.planUuid);
  const moves = contexts.flatMap(({ plan }) => {
    const own = byPlan.get(plan.uuid) ?? [];
    return reverseOrder(own).map((at) => ({ event, uuid: own[at]?.uuid ?? '', patch }));
  });
  await moveActionsOf(moves, contexts, transaction, store);
}

/**
 * A plan has been launched: those that overlap with it, and that could have been launched in its place, are stale. Those
 * that wait for it were meant to come after it.
 */
export async function supersedeByLaunch(
  launched: ActionPlanRow,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const others = await listOverlapping(launched.uuid, NOT_LAUNCHED, transaction.sql);
  const stale = others.filter((other) => !waitsFor(other, launched));
  const at = new Date(store.clock.now()).toISOString();
  const why = `plan '${launched.name}' (${launched.uuid}), which is about some of its nodes, was launched at ${at}`;
  await supersedePlans(stale, why, transaction, store);
}

/** True if a plan stands in the queue behind one that is about the same nodes, was launched, and has not come to rest. */
function waitsFor(plan: ActionPlanRow, other: ActionPlanRow): boolean {
  if (plan.state !== 'PENDING' || isPlanAtRest(other.state)) return false;
  return (other.startOrder ?? 0) < (plan.startOrder ?? 0);
}

/**
 * Supersedes the plans that changes of the cluster model make stale: not the plan that made them, and not those that wait for it.
 * The `modelChanged` of the store.
 */
export const supersedeStale: ModelHook = async (all, { why, planUuid }, transaction, store) => {
  const { sql } = transaction;
  const { everywhere, byNode } = await plansAbout(
    all.map(({ node }) => node.uuid),
    transaction,
  );
  const seen = new Set<string>();
  let changer: ActionPlanRow | null | undefined;
  const at = new Date(store.clock.now()).toISOString();
  for (const { node, changes } of all) {
    const about = [...everywhere, ...(byNode.get(node.uuid) ?? [])].filter((uuid) => !seen.has(uuid));
    const others = about.filter((uuid) => uuid !== planUuid);
    if (others.length === 0) continue;
    for (const uuid of others) seen.add(uuid);
    if (changer === undefined) changer = planUuid === null ? null : await findPlan(planUuid, sql);
    const stale = (await getPlans(others, sql)).filter((plan) => !changer || !waitsFor(plan, changer));
    const what = changes.map(describe).join(', ');
    await supersedePlans(stale, `node ${node.name} changed at ${at}: ${what} (${why})`, transaction, store);
  }
};

function describe({ what, oldValue, newValue }: NodeChanges['changes'][number]): string {
  return oldValue === '' ? what : `${what} ${oldValue} -> ${newValue}`;
}

function* inPortions(contexts: readonly PlanContext[]): Generator<PlanContext[]> {
  let portion: PlanContext[] = [];
  let actions = 0;
  for (const context of contexts) {
    if (portion.length > 0 && actions + context.plan.size > ACTIONS_AT_ONCE) {
      yield portion;
      portion = [];
      actions = 0;
    }
    portion.push(context);
    actions += context.plan.size;
  }
  if (portion.length > 0) yield portion;
}

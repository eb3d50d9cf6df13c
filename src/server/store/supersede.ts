/**
 * Superseding: a plan that was not launched yet and has become stale ends SUPERSEDED, in the very transaction that made it
 * so. Whatever starts or launches plans looks at their rows in a transaction of its own, so no stale plan can begin.
 */
import { type ActionPlanState, isPlanAtRest } from '../../core/states.ts';
import { reverseOrder } from '../plans/graph.ts';
import type { Transaction } from './database.ts';
import { type ActionPlanRow, actionPlanCodec } from './plan_rows.ts';
import { moveActionsOf, movePlans, type PlanContext, withAudits } from './plan_transition.ts';
import { EVERY_NODE, getPlans, overlappingPlans } from './plans.ts';
import { filledUp, portionsOf, VALUES_AT_ONCE } from './portions.ts';
import type { Store } from './store.ts';

/** The states that a plan can be superseded from. */
export const NOT_LAUNCHED: readonly ActionPlanState[] = ['RECOMMENDED', 'PENDING'];

/** So many actions are moved at a time, if they belong to more than one plan. */
const ACTIONS_AT_ONCE = 5000;

/**
 * True if a plan can become stale. A rollback cannot: it looks at what has drifted when it is launched.
 */
export function canBecomeStale({ state, rollbackOf }: Pick<ActionPlanRow, 'state' | 'rollbackOf'>): boolean {
  return rollbackOf === null && NOT_LAUNCHED.includes(state);
}

/** Supersedes those of these plans that can become stale. `why` says what made them so, about which node, and when. */
export async function supersedePlans(
  uuids: readonly string[],
  why: string,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const plans = (await getPlans(uuids, transaction.sql)).filter(canBecomeStale);
  for (const contexts of inPortions(await withAudits(plans, transaction.sql))) {
    const statusMessage = 'the plan was superseded before it ran';
    await moveAllActions('drop', contexts, { statusMessage }, transaction, store);
    const names = contexts.map(({ plan }) => plan.uuid);
    await movePlans('supersede', names, { statusMessage: why }, transaction, store);
  }
}

/** Moves every action of these plans, in reverse dependency order. */
export async function moveAllActions(
  event: 'drop' | 'delete',
  contexts: readonly PlanContext[],
  patch: { readonly statusMessage?: string },
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const rows: { uuid: string; plan_uuid: string; rank: number; position: number }[] = [];
  for (const part of portionsOf(
    contexts.map(({ plan }) => plan.uuid),
    VALUES_AT_ONCE,
  )) {
    const columns = ['uuid', 'plan_uuid', 'rank', 'position'];
    rows.push(...(await transaction.sql('actions').whereIn('plan_uuid', part).select(columns)));
  }
  const byPlan = Map.groupBy(rows, (row) => row.plan_uuid);
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
  const rows = await overlappingPlans(launched.uuid, NOT_LAUNCHED, transaction.sql);
  const others: ActionPlanRow[] = rows.map(actionPlanCodec.decode);
  const stale = others.filter((other) => !waitsFor(other, launched));
  const at = new Date(store.clock.now()).toISOString();
  const why = `plan '${launched.name}' (${launched.uuid}), which is about some of its nodes, was launched at ${at}`;
  await supersedePlans(
    stale.map(({ uuid }) => uuid),
    why,
    transaction,
    store,
  );
}

/** True if a plan stands in the queue behind one that is about the same nodes and has not come to rest. */
export function waitsFor(plan: ActionPlanRow, other: ActionPlanRow): boolean {
  if (plan.state !== 'PENDING' || other.state === 'RECOMMENDED' || isPlanAtRest(other.state)) return false;
  return (other.startOrder ?? 0) < (plan.startOrder ?? 0);
}

/** The plans that are about each of these nodes, or about every node. */
export async function plansAbout(
  nodeUuids: readonly string[],
  { direct }: Transaction,
): Promise<{ readonly everywhere: readonly string[]; readonly byNode: ReadonlyMap<string, readonly string[]> }> {
  const rows: Record<string, unknown>[] = [];
  for (const part of [[EVERY_NODE], ...portionsOf(nodeUuids, VALUES_AT_ONCE)])
    rows.push(...(await direct.find('plan_nodes', { node_uuid: filledUp(part) })));
  const byNode = new Map<string, string[]>();
  for (const row of rows) {
    const [node, plan] = [String(row.node_uuid), String(row.plan_uuid)];
    byNode.set(node, [...(byNode.get(node) ?? []), plan]);
  }
  return { everywhere: byNode.get(EVERY_NODE) ?? [], byNode };
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

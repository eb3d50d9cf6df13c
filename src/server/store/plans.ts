/** Reading action plans and actions. Their states are written by `plan_transition.ts` alone. */
import type { Knex } from 'knex';
import { ACTION_PLAN_RUNNING, type ActionPlanState, type ActionState } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import { getNamed, inStates, type NamedTable, type NewestMark, newestFirst } from './newest.ts';
import { type ActionPlanRow, type ActionRow, actionCodec, actionPlanCodec, auditCodec } from './plan_rows.ts';
import type { PlanContext } from './plan_transition.ts';
import { portionsOf, VALUES_AT_ONCE } from './portions.ts';

/** Stands in plan_nodes for every node there is: the plan's scope is everything. */
export const EVERY_NODE = '*';

/** A plan by its request_id, or null. */
export async function findPlanByRequestId(requestId: string, sql: Knex): Promise<ActionPlanRow | null> {
  const row = await sql('action_plans').where('request_id', requestId).first();
  return row ? actionPlanCodec.decode(row) : null;
}

const PLANS: NamedTable<ActionPlanRow> = {
  table: 'action_plans',
  codec: actionPlanCodec,
  noun: 'action plan',
  list: 'countermand plan list',
  notFound: 'ACTION_PLAN_NOT_FOUND',
};

/**
 * A plan by uuid, request_id or name. A name that several plans bear means none of them.
 * @throws ACTION_PLAN_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or more than one plan
 */
export function getPlan(key: string, sql: Knex): Promise<ActionPlanRow> {
  return getNamed(key, PLANS, sql);
}

/** Plans by uuid, the oldest first. */
export async function getPlans(uuids: readonly string[], sql: Knex): Promise<ActionPlanRow[]> {
  const plans: ActionPlanRow[] = [];
  for (const part of portionsOf(uuids, VALUES_AT_ONCE))
    plans.push(...(await sql('action_plans').whereIn('uuid', part)).map(actionPlanCodec.decode));
  return plans.sort((one, other) => one.createdAt - other.createdAt || (one.uuid < other.uuid ? -1 : 1));
}

/** The plans that were last to undo these, by uuid. */
export async function rollbacksOf(
  plans: readonly Pick<ActionPlanRow, 'rolledBackBy'>[],
  sql: Knex,
): Promise<ReadonlyMap<string, ActionPlanRow>> {
  const uuids = plans.map(({ rolledBackBy }) => rolledBackBy).filter((uuid) => uuid !== null);
  return new Map((await getPlans(uuids, sql)).map((plan) => [plan.uuid, plan]));
}

/** A plan with its audit. */
export async function getContext(planUuid: string, sql: Knex): Promise<PlanContext> {
  const plan = actionPlanCodec.decode(await sql('action_plans').where('uuid', planUuid).first());
  return { plan, audit: auditCodec.decode(await sql('audits').where('uuid', plan.auditUuid).first()) };
}

/** At most `limit` plans, the newest first; without `states`, all but those that are deleted. */
export async function listPlans(
  states: readonly ActionPlanState[],
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  return (await newestFirst(inStates(sql('action_plans'), states), after, limit)).map(actionPlanCodec.decode);
}

/** The plans in these states, in the order in which they were started. */
export async function listPlansIn(states: readonly ActionPlanState[], sql: Knex): Promise<ActionPlanRow[]> {
  const rows = await sql('action_plans')
    .whereIn('state', [...states])
    .orderBy('start_order');
  return rows.map(actionPlanCodec.decode);
}

/** At most `limit` actions of a plan after a position, in the order in which they were written. */
export async function listActions(
  planUuid: string,
  afterPosition: number,
  limit: number,
  sql: Knex,
): Promise<ActionRow[]> {
  const rows = await sql('actions')
    .where('plan_uuid', planUuid)
    .where('position', '>', afterPosition)
    .orderBy('position')
    .limit(limit);
  return rows.map(actionCodec.decode);
}

/** Actions by uuid, in any order. */
export async function getActions(uuids: readonly string[], sql: Knex): Promise<ActionRow[]> {
  const rows: ActionRow[] = [];
  for (const portion of portionsOf(uuids, VALUES_AT_ONCE)) {
    rows.push(...(await sql('actions').whereIn('uuid', portion)).map(actionCodec.decode));
  }
  return rows;
}

/** What running a plan needs of each action, without its parameters: a plan may have many. */
export type ActionNode = Pick<ActionRow, 'uuid' | 'name' | 'parents' | 'position' | 'rank' | 'state'>;

/** The graph of a plan, in the order of positions. */
export async function readGraph(planUuid: string, sql: Knex): Promise<ActionNode[]> {
  const rows = await sql('actions')
    .where('plan_uuid', planUuid)
    .orderBy('position')
    .select('uuid', 'name', 'parents', 'position', 'rank', 'state');
  return rows.map((row) => ({ ...row, parents: JSON.parse(row.parents) }));
}

/** How many actions of a plan are in each state. */
export async function countActions(planUuid: string, sql: Knex): Promise<ReadonlyMap<ActionState, number>> {
  const rows: { state: ActionState; count: number }[] = await sql('actions')
    .where('plan_uuid', planUuid)
    .groupBy('state')
    .select('state', sql.raw('count(*) as count'));
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

/** A running plan that is about one of this plan's nodes, or null. */
export async function findOverlap(planUuid: string, sql: Knex): Promise<ActionPlanRow | null> {
  const row = await overlappingPlans(planUuid, ACTION_PLAN_RUNNING, sql).first();
  return row ? actionPlanCodec.decode(row) : null;
}

/** A running plan that is about one of these nodes, or null. */
export async function findRunningOn(nodeUuids: readonly string[], sql: Knex): Promise<ActionPlanRow | null> {
  for (const part of portionsOf([EVERY_NODE, ...nodeUuids], VALUES_AT_ONCE)) {
    const about = sql('plan_nodes').whereIn('node_uuid', part).select('plan_uuid');
    const running = sql('action_plans')
      .whereIn('state', [...ACTION_PLAN_RUNNING])
      .whereIn('uuid', about);
    const row = await running.orderBy('created_at').orderBy('uuid').first();
    if (row) return actionPlanCodec.decode(row);
  }
  return null;
}

/**
 * A plan that was started before this one, waits for its turn, and is about one of its nodes; or null. One that was not
 * started yet comes after all that were.
 */
export async function findEarlier(plan: ActionPlanRow, sql: Knex): Promise<ActionPlanRow | null> {
  const waiting = overlappingPlans(plan.uuid, ['PENDING'], sql);
  const row = await waiting.where('start_order', '<', plan.startOrder ?? Number.MAX_SAFE_INTEGER).first();
  return row ? actionPlanCodec.decode(row) : null;
}

/**
 * The plans in these states that are about one of a plan's nodes, as a query. A plan about every node meets all that are about
 * any; a plan about no node, of actions such as nop and sleep, meets none.
 */
export function overlappingPlans(planUuid: string, states: readonly ActionPlanState[], sql: Knex): Knex.QueryBuilder {
  const sharing = sql('plan_nodes as mine')
    .join('plan_nodes as theirs', 'theirs.node_uuid', 'mine.node_uuid')
    .where('mine.plan_uuid', planUuid)
    .select('theirs.plan_uuid');
  const isAboutNodes = sql('plan_nodes').where('plan_uuid', planUuid).select('plan_uuid');
  const everywhere = sql('plan_nodes').where('node_uuid', EVERY_NODE).whereExists(isAboutNodes).select('plan_uuid');
  const isEverywhere = sql('plan_nodes').where({ plan_uuid: planUuid, node_uuid: EVERY_NODE }).select('plan_uuid');
  const anywhere = sql('plan_nodes').whereExists(isEverywhere).select('plan_uuid');
  return sql('action_plans')
    .whereIn('state', [...states])
    .whereIn('uuid', sharing.union([everywhere, anywhere]))
    .whereNot('uuid', planUuid)
    .orderBy('created_at')
    .orderBy('uuid');
}

/** The first action of a plan that failed, and how many did. With `onlyAborts`, those alone that could not be taken back. */
export async function listFailures(
  planUuid: string,
  onlyAborts: boolean,
  sql: Knex,
): Promise<{ readonly first: ActionRow | null; readonly count: number }> {
  const failed = () => {
    const query = sql('actions').where({ plan_uuid: planUuid, state: 'FAILED' });
    return onlyAborts ? query.where('previous_state', 'CANCELLING') : query;
  };
  const first = await failed().orderBy('ended_at').orderBy('position').first();
  if (!first) return { first: null, count: 0 };
  const counted = await failed().count('* as count').first();
  return { first: actionCodec.decode(first), count: Number(counted?.count) };
}

/** The PENDING plans that are the first to wait for one of a plan's nodes, in the order in which they were started. */
export async function listNextInLine(planUuid: string, sql: Knex): Promise<ActionPlanRow[]> {
  // What it was about beyond its actions is forgotten: any that waits may have waited for it.
  if (await wasScoped(planUuid, sql)) return listPlansIn(['PENDING'], sql);
  const nodes = sql('actions').where('plan_uuid', planUuid).whereNotNull('node_uuid').select('node_uuid');
  const rows = await sql('plan_nodes as theirs')
    .join('action_plans as other', 'other.uuid', 'theirs.plan_uuid')
    .where('other.state', 'PENDING')
    .where((about) => about.whereIn('theirs.node_uuid', nodes).orWhere('theirs.node_uuid', EVERY_NODE))
    .orderBy('other.start_order')
    .select('theirs.node_uuid as on_node', 'other.*');
  const first = new Map<string, ActionPlanRow>();
  for (const row of rows) if (!first.has(row.on_node)) first.set(row.on_node, actionPlanCodec.decode(row));
  const plans = new Map([...first.values()].map((plan) => [plan.uuid, plan]));
  return [...plans.values()].sort((one, other) => (one.startOrder ?? 0) - (other.startOrder ?? 0));
}

async function wasScoped(planUuid: string, sql: Knex): Promise<boolean> {
  const { audit } = await getContext(planUuid, sql);
  return audit.requestId !== null || audit.scope.length > 0;
}

/** What the next plan to be started is numbered. */
export async function nextStartOrder({ sql }: Transaction): Promise<number> {
  const row = await sql('action_plans').max('start_order as last').first();
  return Number(row?.last ?? 0) + 1;
}

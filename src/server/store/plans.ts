/** The table of action plans, and of the nodes that each is about. Their states are written by `plans/transition.ts` alone. */
import type { Knex } from 'knex';
import type { CountermandError } from '../../core/errors.ts';
import { ACTION_PLAN_RUNNING, ACTION_PLAN_STATES, type ActionPlanState, isPlanAtRest } from '../../core/states.ts';
import { ACTION_PLANS, compareAndSet } from './compare_and_set.ts';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { byCreation, getNamed, inStates, type NamedTable, type NewestMark, noNamed } from './newest.ts';
import {
  type ActionPlanRow,
  type ActionRow,
  type AuditRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
} from './plan_rows.ts';
import { filledUp, portionsOf, ROWS_AT_ONCE, VALUES_AT_ONCE } from './portions.ts';

/** A plan with the audit behind it: what notifications about it and its actions carry. */
export interface PlanContext {
  readonly plan: ActionPlanRow;
  readonly audit: AuditRow;
  /** Of a rollback: the plan that it undoes, if its row is held. */
  readonly undoes?: PlanContext;
}

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
  type: 'action_plan',
  notFound: 'ACTION_PLAN_NOT_FOUND',
  ended: (Object.keys(ACTION_PLAN_STATES) as ActionPlanState[]).filter(isPlanAtRest),
};

/**
 * A plan by uuid, request_id or name. A name means the plan that is not at rest. If several are not, or if all are, it means none of
 * them.
 * @throws ACTION_PLAN_NOT_FOUND, ARGUMENT_INVALID if nothing is named, or more than one plan
 */
export function getPlan(key: string, sql: Knex): Promise<ActionPlanRow> {
  return getNamed(key, PLANS, sql);
}

/** The error for a key that no plan has. */
export const noPlan = (key: string): CountermandError => noNamed(key, PLANS);

/** A plan by uuid, or null. */
export async function findPlan(uuid: string, sql: Knex): Promise<ActionPlanRow | null> {
  return (await getPlans([uuid], sql))[0] ?? null;
}

/** Plans by uuid, the oldest first. */
export async function getPlans(uuids: readonly string[], sql: Knex): Promise<ActionPlanRow[]> {
  const plans: ActionPlanRow[] = [];
  for (const part of portionsOf(uuids, VALUES_AT_ONCE))
    plans.push(...(await sql('action_plans').whereIn('uuid', part)).map(actionPlanCodec.decode));
  return plans.sort(byAge);
}

/** The plans that were last to undo these, by uuid. */
export async function rollbacksOf(
  plans: readonly Pick<ActionPlanRow, 'rolledBackBy'>[],
  sql: Knex,
): Promise<ReadonlyMap<string, ActionPlanRow>> {
  const uuids = plans.map(({ rolledBackBy }) => rolledBackBy).filter((uuid) => uuid !== null);
  return new Map((await getPlans(uuids, sql)).map((plan) => [plan.uuid, plan]));
}

/** Plans with the audits behind them. */
export async function withAudits(plans: readonly ActionPlanRow[], sql: Knex): Promise<PlanContext[]> {
  const wanted = [...new Set(plans.map(({ auditUuid }) => auditUuid))];
  const rows = await sql('audits').whereIn('uuid', wanted);
  const audits = new Map(rows.map(auditCodec.decode).map((audit) => [audit.uuid, audit]));
  return plans.map((plan) => ({ plan, audit: audits.get(plan.auditUuid) as AuditRow }));
}

/** A plan whose row is held, with its audit. */
export async function contextOf(plan: ActionPlanRow, sql: Knex): Promise<PlanContext> {
  return { plan, audit: auditCodec.decode(await sql('audits').where('uuid', plan.auditUuid).first()) };
}

/** A plan with its audit. */
export async function getContext(planUuid: string, sql: Knex): Promise<PlanContext> {
  return contextOf(actionPlanCodec.decode(await sql('action_plans').where('uuid', planUuid).first()), sql);
}

/** Which plans are listed, and in which order. */
interface PlanFilter {
  /** Empty: all but those that are deleted. */
  readonly states: readonly ActionPlanState[];
  /** Null: of any. */
  readonly auditUuid: string | null;
  /** Only those with an action about one of these nodes; null: all. */
  readonly nodeUuids: readonly string[] | null;
  /** Only those that were started, or approved, at this time or later, in ms; null: all. */
  readonly startedSince: number | null;
  readonly oldestFirst: boolean;
}

/** At most `limit` plans after a mark. */
export async function listPlans(
  { states, auditUuid, nodeUuids, startedSince, oldestFirst }: PlanFilter,
  after: NewestMark | null,
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  const query = inStates(sql('action_plans'), states);
  if (auditUuid !== null) query.where('audit_uuid', auditUuid);
  if (nodeUuids !== null) {
    const about = sql('actions').whereIn('node_uuid', [...nodeUuids]);
    query.whereIn('uuid', about.select('plan_uuid'));
  }
  // A plan that a second person approves keeps the time at which the first one started it.
  if (startedSince !== null)
    query.where((late) => late.where('started_at', '>=', startedSince).orWhere('decided_at', '>=', startedSince));
  return (await byCreation(query, after, limit, oldestFirst)).map(actionPlanCodec.decode);
}

/** The plans in these states, in the order in which they were started. */
export async function listPlansIn(states: readonly ActionPlanState[], sql: Knex): Promise<ActionPlanRow[]> {
  const rows = await sql('action_plans')
    .whereIn('state', [...states])
    .orderBy('start_order');
  return rows.map(actionPlanCodec.decode);
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
  const waiting = overlappingPlans(plan.uuid, ['PENDING'], sql).where(isApproved);
  const row = await waiting.where('start_order', '<', plan.startOrder ?? Number.MAX_SAFE_INTEGER).first();
  return row ? actionPlanCodec.decode(row) : null;
}

/** A plan that waits for a second person stands in no other plan's way. */
const isApproved = (query: Knex.QueryBuilder): void => {
  query.whereNull('approval').orWhereNot('approval', 'WANTED');
};

/**
 * The plans in these states that are about one of a plan's nodes, as a query. A plan about every node meets all that are about
 * any; a plan about no node, of actions such as nop and sleep, meets none.
 */
function overlappingPlans(planUuid: string, states: readonly ActionPlanState[], sql: Knex): Knex.QueryBuilder {
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

/** The PENDING plans that are the first to wait for one of a plan's nodes, in the order in which they were started. */
export async function listNextInLine(planUuid: string, sql: Knex): Promise<ActionPlanRow[]> {
  // What it was about beyond its actions is forgotten: any that waits may have waited for it.
  if (await wasScoped(planUuid, sql)) return listPlansIn(['PENDING'], sql);
  const nodes = sql('actions').where('plan_uuid', planUuid).whereNotNull('node_uuid').select('node_uuid');
  const rows = await sql('plan_nodes as theirs')
    .join('action_plans as other', 'other.uuid', 'theirs.plan_uuid')
    .where('other.state', 'PENDING')
    .where(isApproved)
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

/** Plans that can be superseded, which rollbacks cannot, were made by this time and not started by force: at most `limit`. */
export async function listOldPlans(
  states: readonly ActionPlanState[],
  createdBy: number,
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  const rows = await sql('action_plans')
    .whereIn('state', [...states])
    .where('created_at', '<=', createdBy)
    .where('forced', 0)
    .whereNull('rollback_of')
    .limit(limit);
  return rows.map(actionPlanCodec.decode);
}

/** The plans in these states that are about one of a plan's nodes. */
export async function listOverlapping(
  planUuid: string,
  states: readonly ActionPlanState[],
  sql: Knex,
): Promise<ActionPlanRow[]> {
  return (await overlappingPlans(planUuid, states, sql)).map(actionPlanCodec.decode);
}

/** The nodes that a plan is about; EVERY_NODE among them if it is about all. */
export async function listNodesOfPlan(planUuid: string, sql: Knex): Promise<string[]> {
  const rows = await sql('plan_nodes').where('plan_uuid', planUuid).select('node_uuid');
  return rows.map((row) => String(row.node_uuid));
}

/**
 * At most `limit` plans that are about one of these nodes, the oldest first; none if no node is given.
 * @param wanted in which states they are, and whether they may be rollbacks
 */
export async function listPlansMeeting(
  nodeUuids: readonly string[],
  { states, rollbacks }: { readonly states: readonly ActionPlanState[]; readonly rollbacks: boolean },
  limit: number,
  sql: Knex,
): Promise<ActionPlanRow[]> {
  if (nodeUuids.length === 0) return [];
  const found = new Map<string, ActionPlanRow>();
  const parts = nodeUuids.includes(EVERY_NODE) ? [null] : [...portionsOf([EVERY_NODE, ...nodeUuids], VALUES_AT_ONCE)];
  for (const part of parts) {
    const about = sql('plan_nodes').select('plan_uuid');
    if (part !== null) about.whereIn('node_uuid', part);
    const query = sql('action_plans')
      .whereIn('state', [...states])
      .whereIn('uuid', about);
    if (!rollbacks) query.whereNull('rollback_of');
    const rows = await query.orderBy('created_at').orderBy('uuid').limit(limit);
    for (const plan of rows.map(actionPlanCodec.decode)) found.set(plan.uuid, plan);
  }
  return [...found.values()].sort(byAge).slice(0, limit);
}

/** The oldest first. */
export const byAge = (one: ActionPlanRow, other: ActionPlanRow): number =>
  one.createdAt - other.createdAt || (one.uuid < other.uuid ? -1 : 1);

/** The plans that are about every node, and those that are about each node. */
interface PlansAbout {
  readonly everywhere: readonly string[];
  readonly byNode: ReadonlyMap<string, readonly string[]>;
}

/** What was read of them for the rest of a transaction, by the nodes that were asked for. Plans may be at rest meanwhile; none is missing. */
const readAhead = new WeakMap<Knex, PlansAbout>();

/** Reads at once what `plansAbout` will answer of these nodes in this transaction. */
export async function readPlansAbout(nodeUuids: readonly string[], transaction: Transaction): Promise<void> {
  readAhead.delete(transaction.sql);
  if (nodeUuids.length > 0) readAhead.set(transaction.sql, await plansAbout(nodeUuids, transaction));
}

/** The plans that are about each of these nodes, or about every node; some may be about them no more, as they are at rest. */
export async function plansAbout(
  nodeUuids: readonly string[],
  { sql, direct }: Pick<Transaction, 'sql' | 'direct'>,
): Promise<PlansAbout> {
  const known = readAhead.get(sql);
  if (known && nodeUuids.every((uuid) => known.byNode.has(uuid))) return known;
  const byNode = new Map<string, string[]>([EVERY_NODE, ...nodeUuids].map((uuid) => [uuid, []]));
  for (const part of portionsOf([...byNode.keys()], VALUES_AT_ONCE))
    for (const row of await direct.find('plan_nodes', { node_uuid: filledUp(part) }))
      byNode.get(String(row.node_uuid))?.push(String(row.plan_uuid));
  return { everywhere: byNode.get(EVERY_NODE) ?? [], byNode };
}

/** True while a plan runs and is not being cancelled. */
export async function isOngoing(planUuid: string, sql: Knex): Promise<boolean> {
  const plan = keptBehind(sql).plan(planUuid) ?? (await sql('action_plans').where('uuid', planUuid).first('state'));
  return plan?.state === 'ONGOING';
}

/** Adds a plan with its actions and the nodes that it is about. */
export async function insertPlan(
  plan: ActionPlanRow,
  actions: readonly ActionRow[],
  nodeUuids: readonly string[],
  { sql, changed }: Transaction,
): Promise<void> {
  readAhead.delete(sql);
  await sql('action_plans').insert(actionPlanCodec.encode(plan));
  for (const part of portionsOf(actions, ROWS_AT_ONCE)) await sql('actions').insert(part.map(actionCodec.encode));
  for (const part of portionsOf(nodeUuids, ROWS_AT_ONCE))
    await sql('plan_nodes').insert(part.map((nodeUuid) => ({ plan_uuid: plan.uuid, node_uuid: nodeUuid })));
  changed({ kind: 'plan', plan, actions });
}

/** Writes a part of a row anew. @returns the row as it now is, or null if another write came first */
export async function savePlan(
  before: ActionPlanRow,
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
): Promise<ActionPlanRow | null> {
  const plan = await compareAndSet(ACTION_PLANS, before, patch, transaction);
  if (plan) transaction.changed({ kind: 'plan', plan, actions: [] });
  return plan;
}

/** The nodes of plans that have ended keep no other plan waiting; their actions name them still. */
export async function forgetNodesOf(planUuids: readonly string[], { sql }: Transaction): Promise<void> {
  for (const part of portionsOf(planUuids, VALUES_AT_ONCE)) await sql('plan_nodes').whereIn('plan_uuid', part).delete();
}

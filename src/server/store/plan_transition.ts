/**
 * The only writer of the states of audits, action plans and actions. Many actions move in few statements; each move is a
 * row of the state table, with its patch and its notifications, in the caller's transaction.
 */

import type { Knex } from 'knex';
import { fail } from '../../core/errors.ts';
import {
  ACTION_PLAN_TABLE,
  ACTION_TABLE,
  type ActionEvent,
  type ActionPlanEvent,
  type ActionState,
  AUDIT_TABLE,
  type AuditEvent,
  isActionUnsettled,
  isPlanAtRest,
  ROLLBACK_PHASES,
  rowOf,
} from '../../core/states.ts';
import {
  actionAnnouncement,
  auditAnnouncement,
  planAnnouncement,
  rollbackAnnouncement,
} from '../plans/plan_notifications.ts';
import { modelRevision } from './cluster_model.ts';
import { newIn, patched } from './columns.ts';
import type { Transaction } from './database.ts';
import { type Announcement, announce } from './events.ts';
import { keptBehind } from './kept.ts';
import {
  type ActionPlanRow,
  type ActionRow,
  type AuditRow,
  actionCodec,
  actionPlanCodec,
  auditCodec,
} from './plan_rows.ts';
import { portionsOf, ROWS_AT_ONCE } from './portions.ts';
import type { Store } from './store.ts';

/** What the store adds to a new row. */
type Stamped = 'previousState' | 'state' | 'revision' | 'createdAt' | 'updatedAt' | 'deletedAt';
/** What a new audit is made of. */
export type NewAudit = Omit<AuditRow, Stamped>;
/** What a new plan is made of. */
export type NewActionPlan = Omit<ActionPlanRow, Stamped | 'modelRevision' | 'forced'>;
/** What a new action is made of. */
export type NewAction = Omit<ActionRow, Stamped>;

/** A plan with the audit behind it: what notifications about its actions carry. */
export interface PlanContext {
  readonly plan: ActionPlanRow;
  readonly audit: AuditRow;
}

/** Writes an audit that was accepted. */
export async function createAudit(audit: NewAudit, transaction: Transaction, store: Store): Promise<AuditRow> {
  const row: AuditRow = { ...audit, ...fresh('PENDING' as const, store) };
  await transaction.sql('audits').insert(auditCodec.encode(row));
  await announce(
    rowOf(AUDIT_TABLE, 'create').notifies.map((type) => auditAnnouncement(type, row)),
    transaction,
    store,
  );
  return row;
}

/** Writes a plan that was accepted, with its actions and the nodes that it is about. */
export async function createPlan(
  plan: NewActionPlan,
  actions: readonly NewAction[],
  nodeUuids: readonly string[],
  audit: AuditRow,
  transaction: Transaction,
  store: Store,
): Promise<ActionPlanRow> {
  const { sql } = transaction;
  const pinned = { modelRevision: await modelRevision(sql), forced: false };
  const row: ActionPlanRow = { ...plan, ...pinned, ...fresh('RECOMMENDED' as const, store) };
  await sql('action_plans').insert(actionPlanCodec.encode(row));
  const rows = actions.map((action): ActionRow => ({ ...action, ...fresh('PENDING' as const, store) }));
  for (const part of portionsOf(rows, ROWS_AT_ONCE)) await sql('actions').insert(part.map(actionCodec.encode));
  for (const part of portionsOf(nodeUuids, ROWS_AT_ONCE)) {
    await sql('plan_nodes').insert(part.map((nodeUuid) => ({ plan_uuid: row.uuid, node_uuid: nodeUuid })));
  }
  await announce(
    rowOf(ACTION_PLAN_TABLE, 'create').notifies.map((type) => planAnnouncement(type, row, audit)),
    transaction,
    store,
  );
  for (const part of portionsOf(rows, ROWS_AT_ONCE)) {
    const said = part.flatMap((action) => saidOf('create', action, { plan: row, audit }));
    await announce(said, transaction, store);
  }
  transaction.changed({ kind: 'plan', plan: row, actions: rows });
  return row;
}

function fresh<State extends string>(state: State, store: Store) {
  const now = store.clock.now();
  return { state, previousState: null, revision: 1, createdAt: now, updatedAt: now, deletedAt: null };
}

/** Moves an audit. @returns it as it now is, or null if it was in another state: then nothing was written */
export async function moveAudit(
  event: AuditEvent,
  uuid: string,
  change: Partial<AuditRow>,
  transaction: Transaction,
  store: Store,
): Promise<AuditRow | null> {
  const row = rowOf(AUDIT_TABLE, event);
  const patch = auditCodec.encode({ ...change, state: row.to, ...stampsOf(row.to, store) });
  const [moved] = await transaction
    .sql('audits')
    .where({ uuid })
    .whereIn('state', [...row.from])
    .update({ ...patch, ...countedBy(transaction) })
    .returning('*');
  if (!moved) return null;
  const audit = auditCodec.decode(moved);
  await announce(
    row.notifies.map((type) => auditAnnouncement(type, audit)),
    transaction,
    store,
  );
  return audit;
}

function stampsOf(state: string, store: Store): { updatedAt: number; deletedAt?: number } {
  const now = store.clock.now();
  return state === 'DELETED' ? { updatedAt: now, deletedAt: now } : { updatedAt: now };
}

function countedBy({ sql }: Transaction) {
  return { previous_state: sql.ref('state'), revision: sql.raw('revision + 1') };
}

/**
 * Moves a plan by one row of the state table.
 * @returns it as it now is, or null if it was in another state: then nothing was written
 */
export async function movePlan(
  event: ActionPlanEvent,
  uuid: string,
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext | null> {
  const [moved = null] = await movePlans(event, [uuid], patch, transaction, store);
  return moved;
}

/** Moves many plans alike. @returns those that have moved, as they now are, in the order that is given */
export async function movePlans(
  event: ActionPlanEvent,
  uuids: readonly string[],
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext[]> {
  const row = rowOf(ACTION_PLAN_TABLE, event);
  const ended = isPlanAtRest(row.to) && row.to !== 'DELETED' ? { endedAt: store.clock.now() } : {};
  const change = actionPlanCodec.encode({ ...patch, ...ended, state: row.to, ...stampsOf(row.to, store) });
  const all: PlanContext[] = [];
  for (const part of portionsOf(uuids, ROWS_AT_ONCE)) {
    const { sql } = transaction;
    const rows = await sql('action_plans')
      .whereIn('uuid', [...part])
      .whereIn('state', [...row.from])
      .update({ ...change, ...countedBy(transaction) })
      .returning('*');
    if (rows.length === 0) continue;
    const places = new Map(part.map((uuid, at) => [uuid, at]));
    const place = ({ uuid }: ActionPlanRow): number => places.get(uuid) ?? 0;
    const moved = rows.map(actionPlanCodec.decode).sort((one, other) => place(one) - place(other));
    const names = moved.map(({ uuid }) => uuid);
    // The nodes of plans that have ended are nobody's concern any more; their actions name them still.
    if (isPlanAtRest(row.to)) await sql('plan_nodes').whereIn('plan_uuid', names).delete();
    const contexts = await withAudits(moved, sql);
    const said = contexts.flatMap(({ plan, audit }) => row.notifies.map((type) => planAnnouncement(type, plan, audit)));
    await announce(said, transaction, store);
    for (const { plan } of contexts) {
      transaction.changed({ kind: 'plan', plan, actions: [] });
      await announceRollback(event, plan, transaction, store);
    }
    all.push(...contexts);
  }
  return all;
}

/** A rollback has moved: the plan that it undoes says so. */
async function announceRollback(
  event: ActionPlanEvent,
  rollback: ActionPlanRow,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const phase = ROLLBACK_PHASES[event];
  if (rollback.rollbackOf === null || phase === undefined) return;
  const row = await transaction.sql('action_plans').where('uuid', rollback.rollbackOf).first();
  const [context] = await withAudits([actionPlanCodec.decode(row)], transaction.sql);
  if (context) await announce([rollbackAnnouncement(phase, context.plan, context.audit, rollback)], transaction, store);
}

/** Links a plan to the rollback that is to undo it, and says so. Its state stays what it is. */
export async function linkRollback(
  uuid: string,
  rollback: ActionPlanRow,
  statusMessage: string,
  transaction: Transaction,
): Promise<ActionPlanRow> {
  const { sql } = transaction;
  const [row] = await sql('action_plans')
    .where({ uuid })
    .update({ rolled_back_by: rollback.uuid, status_message: statusMessage, revision: sql.raw('revision + 1') })
    .returning('*');
  const plan = actionPlanCodec.decode(row);
  transaction.changed({ kind: 'plan', plan, actions: [] });
  return plan;
}

/** The cancel of a plan, which is under way, is to go on to roll it back. */
export async function askForRollback(plan: ActionPlanRow, { sql, keep }: Transaction): Promise<void> {
  await sql('action_plans').where('uuid', plan.uuid).update({ rolls_back: 1 });
  keep({ kind: 'plan', plan: { ...plan, rollsBack: true }, actions: [] });
}

/** Plans with the audits behind them. */
export async function withAudits(plans: readonly ActionPlanRow[], sql: Knex): Promise<PlanContext[]> {
  const wanted = [...new Set(plans.map(({ auditUuid }) => auditUuid))];
  const rows = await sql('audits').whereIn('uuid', wanted);
  const audits = new Map(rows.map(auditCodec.decode).map((audit) => [audit.uuid, audit]));
  return plans.map((plan) => ({ plan, audit: audits.get(plan.auditUuid) as AuditRow }));
}

/** One move of one action. */
export interface ActionMove {
  readonly event: ActionEvent;
  readonly uuid: string;
  readonly patch?: Partial<ActionRow>;
}

/**
 * Moves many actions of one plan; those that are in another state are left alone. The notifications come in the order of
 * the moves.
 * @returns those that have moved, as they now are, in the order of the moves
 */
export function moveActions(
  moves: readonly ActionMove[],
  context: PlanContext,
  transaction: Transaction,
  store: Store,
): Promise<ActionRow[]> {
  return moveActionsOf(moves, [context], transaction, store);
}

/** As `moveActions`, with the actions of several plans. */
export async function moveActionsOf(
  moves: readonly ActionMove[],
  contexts: readonly PlanContext[],
  transaction: Transaction,
  store: Store,
): Promise<ActionRow[]> {
  if (moves.length === 0) return [];
  const moved = new Map<string, ActionRow>();
  for (const group of alike(moves)) {
    for (const part of portionsOf(group, ROWS_AT_ONCE)) await moveAlike(part, moved, transaction, store);
  }
  const inOrder = moves.filter(({ uuid }) => moved.has(uuid));
  const rows = inOrder.map(({ uuid }) => moved.get(uuid) as ActionRow);
  const byPlan = new Map(contexts.map((context) => [context.plan.uuid, { context, actions: [] as ActionRow[] }]));
  for (const row of rows) byPlan.get(row.planUuid)?.actions.push(row);
  for (const part of portionsOf(inOrder, ROWS_AT_ONCE)) {
    const said = part.flatMap(({ event, uuid }) => {
      const action = moved.get(uuid) as ActionRow;
      return saidOf(event, action, byPlan.get(action.planUuid)?.context as PlanContext);
    });
    await announce(said, transaction, store);
  }
  for (const { context, actions } of byPlan.values()) {
    transaction.changed({ kind: 'plan', plan: context.plan, actions });
  }
  return rows;
}

/** Groups of moves that one statement can do. */
function alike(moves: readonly ActionMove[]): ActionMove[][] {
  const groups = new Map<string, ActionMove[]>();
  for (const move of moves) {
    const key = `${move.event} ${JSON.stringify(move.patch ?? {})}`;
    const group = groups.get(key);
    if (group) group.push(move);
    else groups.set(key, [move]);
  }
  return [...groups.values()];
}

async function moveAlike(
  group: readonly ActionMove[],
  moved: Map<string, ActionRow>,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const [{ event, patch }] = group as [ActionMove];
  const row = rowOf(ACTION_TABLE, event);
  const ended = isActionUnsettled(row.to) || row.to === 'DELETED' ? {} : { endedAt: store.clock.now() };
  const change = { ...patch, ...ended, state: row.to, ...stampsOf(row.to, store) };
  const known = group.length === 1 ? keptBehind(transaction.sql).action(group[0]?.uuid ?? '') : undefined;
  if (known) {
    const after = await moveKnown(known, change, row.from, transaction);
    if (after) moved.set(after.uuid, after);
    return;
  }
  const rows = await transaction
    .sql('actions')
    .whereIn(
      'uuid',
      group.map(({ uuid }) => uuid),
    )
    .whereIn('state', [...row.from])
    .update({ ...actionCodec.encode(change), ...countedBy(transaction) })
    .returning('*');
  for (const decoded of rows.map(actionCodec.decode)) moved.set(decoded.uuid, decoded);
}

/** One action that is kept: its row is known, and need not be answered. Null if it is in another state. */
async function moveKnown(
  before: ActionRow,
  change: Partial<ActionRow>,
  from: readonly ActionState[],
  { direct }: Transaction,
): Promise<ActionRow | null> {
  const { uuid, revision, state: previousState } = before;
  if (!from.includes(previousState)) return null;
  const written = { ...change, previousState, revision: revision + 1 };
  const count = await direct.update('actions', actionCodec.encode(newIn(before, written)), { uuid, revision });
  if (count !== 1) throw fail('INTERNAL', `action ${uuid} is not at revision ${revision} any more`);
  return patched(before, written);
}

function saidOf(event: ActionEvent, action: ActionRow, { plan, audit }: PlanContext): Announcement[] {
  return rowOf(ACTION_TABLE, event).notifies.map((type) => actionAnnouncement(type, action, plan, audit));
}

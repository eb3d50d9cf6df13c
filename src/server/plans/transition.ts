/**
 * The only writer of the states of action plans and actions. Many actions move in few statements; each move is a row of the
 * state table, with its patch and its notifications, in the caller's transaction.
 */
import {
  ACTION_PLAN_TABLE,
  ACTION_TABLE,
  type ActionEvent,
  type ActionPlanEvent,
  isActionUnsettled,
  isPlanAtRest,
  ROLLBACK_PHASES,
  rowOf,
} from '../../core/states.ts';
import type { Announcement } from '../events/announce.ts';
import { announce } from '../events/announce.ts';
import { moveActionRows } from '../store/actions.ts';
import { modelRevision } from '../store/cluster_model.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import type { ActionPlanRow, ActionRow, AuditRow } from '../store/plan_rows.ts';
import { forgetNodesOf, getContext, insertPlan, type PlanContext, savePlan } from '../store/plans.ts';
import { portionsOf, ROWS_AT_ONCE } from '../store/portions.ts';
import type { Store } from '../store/store.ts';
import { actionAnnouncement, planAnnouncement, rollbackAnnouncement } from './notifications.ts';
import { fresh, type Maker, madeAs, makerOf, type Stamped, stampsOf } from './stamps.ts';

/** What a new plan is made of. */
type NewActionPlan = Omit<ActionPlanRow, Stamped | 'modelRevision' | 'forced' | keyof typeof UNDECIDED | keyof Maker>;
/** A new plan has no starter, is in no trace, and waits for no approval. */
const UNDECIDED = {
  startedBy: null,
  startedFor: null,
  approval: null,
  approvalWhy: '',
  decidedBy: null,
  decidedFor: null,
  decidedAt: null,
  trace: null,
  linkedTrace: null,
};
/** What a new action is made of. */
export type NewAction = Omit<ActionRow, Stamped>;

/** Writes a plan that was accepted, with its actions and the nodes that it is about. */
export async function createPlan(
  plan: NewActionPlan,
  actions: readonly NewAction[],
  nodeUuids: readonly string[],
  audit: AuditRow,
  transaction: Transaction,
  store: Store,
): Promise<ActionPlanRow> {
  const now = store.clock.now();
  const pinned = { modelRevision: await modelRevision(transaction.sql), forced: false };
  // The later plans of an audit are made by the conductor itself, for whoever made the audit.
  const maker = transaction.actor === null ? madeAs(audit) : makerOf(transaction);
  const row: ActionPlanRow = { ...plan, ...pinned, ...UNDECIDED, ...maker, ...fresh('RECOMMENDED' as const, now) };
  const rows = actions.map((action): ActionRow => ({ ...action, ...fresh('PENDING' as const, now) }));
  await insertPlan(row, rows, nodeUuids, transaction);
  await announce(
    rowOf(ACTION_PLAN_TABLE, 'create').notifies.map((type) => planAnnouncement(type, row, audit)),
    transaction,
    store,
  );
  for (const part of portionsOf(rows, ROWS_AT_ONCE)) {
    const said = part.flatMap((action) => saidOf('create', action, { plan: row, audit }));
    await announce(said, transaction, store);
  }
  return row;
}

/**
 * Moves a plan by one row of the state table.
 * @param before the plan, as the move was decided on, with its audit
 * @returns it as it now is, or null if it is in another state, or is not that row any more: then nothing was written
 */
export async function movePlan(
  event: ActionPlanEvent,
  before: PlanContext,
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext | null> {
  const [moved = null] = await movePlans(event, [before], patch, transaction, store);
  return moved;
}

/** Moves many plans alike. @returns those that have moved, as they now are, in the order that is given */
export async function movePlans(
  event: ActionPlanEvent,
  plans: readonly PlanContext[],
  patch: Partial<ActionPlanRow>,
  transaction: Transaction,
  store: Store,
): Promise<PlanContext[]> {
  const row = rowOf(ACTION_PLAN_TABLE, event);
  const now = store.clock.now();
  const ended = isPlanAtRest(row.to) && row.to !== 'DELETED' ? { endedAt: now } : {};
  const change = { ...patch, ...ended, state: row.to, ...stampsOf(row.to, now) };
  const moved: PlanContext[] = [];
  for (const context of plans) {
    const before = context.plan;
    if (!row.from.includes(before.state)) continue;
    const plan = await savePlan(before, { ...change, previousState: before.state }, transaction);
    if (plan) moved.push({ ...context, plan });
  }
  if (isPlanAtRest(row.to))
    await forgetNodesOf(
      moved.map(({ plan }) => plan.uuid),
      transaction,
    );
  for (const part of portionsOf(moved, ROWS_AT_ONCE)) {
    const said = part.flatMap(({ plan, audit }) => row.notifies.map((type) => planAnnouncement(type, plan, audit)));
    await announce(said, transaction, store);
  }
  for (const context of moved) await announceRollback(event, context, transaction, store);
  return moved;
}

/** A rollback has moved: the plan that it undoes says so. */
async function announceRollback(
  event: ActionPlanEvent,
  { plan: rollback, undoes }: PlanContext,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const phase = ROLLBACK_PHASES[event];
  if (rollback.rollbackOf === null || phase === undefined) return;
  const { plan: undone, audit } = undoes ?? (await getContext(rollback.rollbackOf, transaction.sql));
  const plan = phase === 'error' ? await sayNotUndone(undone, rollback, transaction) : undone;
  await announce([rollbackAnnouncement(phase, plan, audit, rollback)], transaction, store);
}

/** A plan whose rollback has not succeeded says so, behind what it said before. @throws OVERTAKEN */
async function sayNotUndone(
  plan: ActionPlanRow,
  { uuid, state }: ActionPlanRow,
  transaction: Transaction,
): Promise<ActionPlanRow> {
  if (plan.rolledBackBy !== uuid) return plan;
  return say(plan, `the rollback ${state === 'FAILED' ? state : `was ${state}`}`, transaction);
}

/** A plan that should have rolled itself back says why it has not, behind what it said before. @throws OVERTAKEN */
export async function sayNotRolledBack(plan: ActionPlanRow, why: string, transaction: Transaction): Promise<void> {
  await say(plan, `it was not rolled back: ${why}`, transaction);
}

async function say(plan: ActionPlanRow, sentence: string, transaction: Transaction): Promise<ActionPlanRow> {
  const statusMessage = `${plan.statusMessage}; ${sentence}`;
  const saying = await savePlan(plan, { statusMessage }, transaction);
  if (saying === null) throw overtaken(`plan '${plan.name}'`);
  return saying;
}

/**
 * Links a plan to the rollback that was made to undo it, and says so. Its state stays what it is.
 * @param leftAlone sentences about what the rollback does not undo
 * @throws OVERTAKEN
 */
export async function linkRollback(
  before: ActionPlanRow,
  rollback: ActionPlanRow,
  leftAlone: readonly string[],
  transaction: Transaction,
): Promise<ActionPlanRow> {
  // True however the rollback ends.
  const statusMessage = [before.statusMessage, `its rollback is plan ${rollback.uuid}`, ...leftAlone].join('; ');
  const plan = await savePlan(before, { rolledBackBy: rollback.uuid, statusMessage }, transaction);
  if (plan === null) throw overtaken(`plan '${before.name}'`);
  return plan;
}

/** Asks the cancel of a plan, which is under way, to go on to roll it back. @throws OVERTAKEN */
export async function askForRollback(before: ActionPlanRow, transaction: Transaction): Promise<ActionPlanRow> {
  const plan = await savePlan(before, { rollsBack: true }, transaction);
  if (plan === null) throw overtaken(`plan '${before.name}'`);
  return plan;
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
  for (const group of alike(moves)) await moveAlike(group, moved, transaction, store);
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
  const now = store.clock.now();
  const ended = isActionUnsettled(row.to) || row.to === 'DELETED' ? {} : { endedAt: now };
  const change = { ...patch, ...ended, state: row.to, ...stampsOf(row.to, now) };
  const uuids = group.map(({ uuid }) => uuid);
  for (const action of await moveActionRows(uuids, row.from, change, transaction)) moved.set(action.uuid, action);
}

function saidOf(event: ActionEvent, action: ActionRow, { plan, audit }: PlanContext): Announcement[] {
  return rowOf(ACTION_TABLE, event).notifies.map((type) => actionAnnouncement(type, action, plan, audit));
}

/** The table of actions. Their states are written by `plans/transition.ts` alone. */
import type { Knex } from 'knex';
import { type CountermandError, failWith } from '../../core/errors.ts';
import type { ActionState } from '../../core/states.ts';
import { ACTIONS, compareAndSet, overtaken } from './compare_and_set.ts';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { type ActionRow, actionCodec } from './plan_rows.ts';
import { portionsOf, ROWS_AT_ONCE, VALUES_AT_ONCE } from './portions.ts';

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

/** The error for a uuid that no action has. */
export const noAction = (uuid: string): CountermandError =>
  failWith('ACTION_NOT_FOUND', `there is no action '${uuid.slice(0, 100)}'`, {
    resource: { type: 'action', name: uuid.slice(0, 255) },
  });

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
    .select('state')
    .count({ count: '*' });
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
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

/** The part of each action of these plans that their order is told from. */
type PlacedAction = Pick<ActionRow, 'uuid' | 'planUuid' | 'rank' | 'position'>;

/** Every action of these plans. */
export async function listActionsOf(planUuids: readonly string[], sql: Knex): Promise<PlacedAction[]> {
  const all: PlacedAction[] = [];
  for (const part of portionsOf(planUuids, VALUES_AT_ONCE)) {
    const rows = await sql('actions').whereIn('plan_uuid', part).select('uuid', 'plan_uuid', 'rank', 'position');
    all.push(...rows.map(({ plan_uuid: planUuid, ...row }) => ({ ...row, planUuid })));
  }
  return all;
}

/** The nodes that the actions of each of these plans are about, by the uuid of the plan. */
export async function nodesOfPlans(
  planUuids: readonly string[],
  sql: Knex,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const part of portionsOf(planUuids, VALUES_AT_ONCE)) {
    const rows: { plan_uuid: string; node_uuid: string }[] = await sql('actions')
      .whereIn('plan_uuid', part)
      .whereNotNull('node_uuid')
      .distinct('plan_uuid', 'node_uuid');
    for (const { plan_uuid: plan, node_uuid: node } of rows) {
      const nodes = found.get(plan);
      if (nodes) nodes.push(node);
      else found.set(plan, [node]);
    }
  }
  return found;
}

/** An action by uuid, or null. */
export async function findAction(uuid: string, sql: Knex): Promise<ActionRow | null> {
  const kept = keptBehind(sql).action(uuid);
  if (kept) return kept;
  const row = await sql('actions').where({ uuid }).first();
  return row ? actionCodec.decode(row) : null;
}

/** The plan of an action, or null. */
export async function planOfAction(actionUuid: string, sql: Knex): Promise<string | null> {
  const kept = keptBehind(sql).action(actionUuid);
  if (kept) return kept.planUuid;
  const action = await sql('actions').where('uuid', actionUuid).first('plan_uuid');
  return action?.plan_uuid ?? null;
}

/** The uuids of the actions that earlier rollbacks of a plan have undone, as far as no rollback of those has taken that back. */
export async function undoneBy(planUuid: string, sql: Knex): Promise<Set<string>> {
  const undone = await undoingIn([planUuid], sql);
  if (undone.length === 0) return new Set();
  const rollbacks: { uuid: string }[] = await sql('action_plans').where('rollback_of', planUuid).select('uuid');
  const later = await undoingIn(
    rollbacks.map(({ uuid }) => uuid),
    sql,
  );
  const takenBack = new Set(later.map(({ undoes }) => undoes));
  return new Set(undone.filter(({ uuid }) => !takenBack.has(uuid)).map(({ undoes }) => undoes));
}

/** What the rollbacks of plans have done. */
function undoingIn(planUuids: readonly string[], sql: Knex): Promise<{ uuid: string; undoes: string }[]> {
  return sql('actions')
    .join('action_plans', 'action_plans.uuid', 'actions.plan_uuid')
    .whereIn('action_plans.rollback_of', planUuids)
    .whereIn('actions.state', ['SUCCEEDED', 'SKIPPED'])
    .select('actions.uuid', 'actions.undoes');
}

/**
 * Moves a set of actions alike: each is compared by its state, which stands in memory while the row does not (why, says
 * `compare_and_set.ts`). What is told of them is the caller's.
 * @returns those that have moved, as they now are, in any order
 */
export async function moveActionRows(
  uuids: readonly string[],
  from: readonly ActionState[],
  patch: Partial<ActionRow>,
  transaction: Transaction,
): Promise<ActionRow[]> {
  const { sql } = transaction;
  const known = uuids.length === 1 ? keptBehind(sql).action(uuids[0] ?? '') : undefined;
  if (known) {
    if (!from.includes(known.state)) return [];
    const action = await compareAndSet(ACTIONS, known, { ...patch, previousState: known.state }, transaction);
    return action === null ? [] : [action];
  }
  const moved: ActionRow[] = [];
  const counted = { previous_state: sql.ref('state'), revision: sql.raw('revision + 1') };
  for (const part of portionsOf(uuids, ROWS_AT_ONCE)) {
    const rows = await sql('actions')
      .whereIn('uuid', [...part])
      .whereIn('state', [...from])
      .update({ ...actionCodec.encode(patch), ...counted })
      .returning('*');
    moved.push(...rows.map(actionCodec.decode));
  }
  return moved;
}

/**
 * Stores what was there before an action changes it, once: in the transaction that changes it, or in an earlier one. It is the
 * one part of an action that is written apart from its state.
 * @param before the action, as it is in this transaction
 */
export async function setBeforeImage(
  before: ActionRow,
  beforeImage: NonNullable<ActionRow['beforeImage']>,
  transaction: Transaction,
): Promise<void> {
  if (before.beforeImage !== null) return;
  const action = await compareAndSet(ACTIONS, before, { beforeImage }, transaction);
  if (action === null) throw overtaken(`action ${before.uuid}`);
  const plan = keptBehind(transaction.sql).plan(action.planUuid);
  if (plan) transaction.keep({ kind: 'plan', plan, actions: [action] });
}

/** What an identity has made. The rows of nodes in memory do not have it: nothing else asks. */
import type { Knex } from 'knex';
import { ACTION_PLAN_STATES, type ActionPlanState, isPlanAtRest } from '../../core/states.ts';
import type { Transaction } from './database.ts';
import type { ActionPlanRow } from './plan_rows.ts';

const NOT_AT_REST = (Object.keys(ACTION_PLAN_STATES) as ActionPlanState[]).filter((state) => !isPlanAtRest(state));

/** The plans that an identity has made and that are not at rest. */
interface PlansOf {
  readonly plans: number;
  /** Of all of them together. */
  readonly actions: number;
}

/** Notes who made a node. One whose maker is known is left alone. */
export async function ownNode(uuid: string, name: string, { sql }: Transaction): Promise<void> {
  await sql('nodes').where({ uuid }).whereNull('created_by').update({ created_by: name });
}

/** True if an identity made or started a plan, or the plan that it undoes, or had that done. */
export async function isPlanOf(
  { uuid, rollbackOf }: Pick<ActionPlanRow, 'uuid' | 'rollbackOf'>,
  name: string,
  sql: Knex,
): Promise<boolean> {
  const uuids = rollbackOf === null ? [uuid] : [uuid, rollbackOf];
  const own = sql('action_plans').whereIn('uuid', uuids);
  const isTheirs = (row: Knex.QueryBuilder): void => {
    for (const column of ['created_by', 'created_for', 'started_by', 'started_for']) row.orWhere(column, name);
  };
  return (await own.where(isTheirs).first('uuid')) != null;
}

/** The number of nodes that an identity has made. */
export async function countNodesOf(name: string, sql: Knex): Promise<number> {
  const row = await sql('nodes').where('created_by', name).count({ nodes: '*' }).first();
  return Number(row?.nodes ?? 0);
}

/** How much an identity has made of plans that are not at rest. */
export async function countPlansOf(name: string, sql: Knex): Promise<PlansOf> {
  // What takes something back is not counted.
  const plans = sql('action_plans').where('created_by', name).whereNull('rollback_of').whereIn('state', NOT_AT_REST);
  const row = await plans.count({ plans: '*' }).sum({ actions: 'size' }).first();
  return { plans: Number(row?.plans ?? 0), actions: Number(row?.actions ?? 0) };
}

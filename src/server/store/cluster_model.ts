/** The history of the cluster model: which node was what, what it became, when and why. Written by `model_changes.ts`. */
import type { Knex } from 'knex';
import { ACTION_PLAN_RUNNING } from '../../core/states.ts';
import { codecOf } from './columns.ts';
import type { Transaction } from './database.ts';
import { ROWS_AT_ONCE } from './portions.ts';
import type { NodeRow } from './rows.ts';

/** One change of the cluster model. */
export interface ModelChangeRow {
  /** The revision of the model that this change made: one number for all nodes, which only grows. */
  readonly revision: number;
  readonly nodeUuid: string;
  readonly nodeName: string;
  /** What changed: "power state", "server", "maintenance", "zone", "labels", "driver", "node", or the type of an event from outside. */
  readonly what: string;
  readonly oldValue: string;
  readonly newValue: string;
  /** Why, in a sentence. */
  readonly cause: string;
  /** The plan whose own action did it, or null. */
  readonly planUuid: string | null;
  /** The identity that called for it, and the one for which it did so; null if none did, or it is the same. */
  readonly changedBy: string | null;
  readonly changedFor: string | null;
  readonly changedAt: number;
}

/** The table of changes, both ways. */
export const modelChangeCodec = codecOf<ModelChangeRow>({
  revision: 'plain',
  nodeUuid: 'plain',
  nodeName: 'plain',
  what: 'plain',
  oldValue: 'plain',
  newValue: 'plain',
  cause: 'plain',
  planUuid: 'plain',
  changedBy: 'plain',
  changedFor: 'plain',
  changedAt: 'plain',
});

/** The revision of the cluster model as it is; 0 if nothing has ever changed. */
export async function modelRevision(sql: Knex): Promise<number> {
  const row = await sql('model_changes').max('revision as last').first();
  return Number(row?.last ?? 0);
}

/** At most `limit` changes from a revision on, the newest first; with `before`, only those older than that. */
export async function listModelChanges(
  from: number,
  before: number | null,
  limit: number,
  sql: Knex,
): Promise<ModelChangeRow[]> {
  const query = sql('model_changes').where('revision', '>=', from).orderBy('revision', 'desc').limit(limit);
  if (before !== null) query.where('revision', '<', before);
  return (await query).map(modelChangeCodec.decode);
}

/** The first change of which server a node is, or its deletion, after a revision of the model; null if there is none. */
export async function firstServerChange(nodeUuid: string, after: number, sql: Knex): Promise<ModelChangeRow | null> {
  const row = await sql('model_changes')
    .where('node_uuid', nodeUuid)
    .where((either) => either.where('what', 'server').orWhere('new_value', 'deleted').andWhere('what', 'node'))
    .where('revision', '>', after)
    .orderBy('revision')
    .first();
  return row ? modelChangeCodec.decode(row) : null;
}

/** The nodes that have changed after a revision of the model, each once. */
export async function listChangedNodes(after: number, sql: Knex): Promise<string[]> {
  const rows = await sql('model_changes').where('revision', '>', after).distinct('node_uuid');
  return rows.map((row) => String(row.node_uuid));
}

/** True if `forgetModelChanges` would forget something. */
export async function isAnyChangeOld(before: number, sql: Knex): Promise<boolean> {
  const row = await sql('model_changes as old')
    .where('old.changed_at', '<', before)
    .where('old.revision', '<', sql('model_changes').max('revision'))
    .whereNotExists(
      sql('action_plans')
        .whereIn('state', ACTION_PLAN_RUNNING)
        .whereRaw('?? <= ??', ['model_revision', 'old.revision']),
    )
    .first('old.revision');
  return row !== undefined;
}

/**
 * Forgets what changed before a time. The newest change stays: its number is the revision of the model. So does what has
 * changed since a plan that runs was made: its actions ask for it.
 * @returns true if there may be more: it forgets a portion at a time, as a large fleet changes a lot in a week
 */
export async function forgetModelChanges(before: number, { sql }: Transaction): Promise<boolean> {
  const last = await modelRevision(sql);
  const oldest = await sql('action_plans').whereIn('state', ACTION_PLAN_RUNNING).min('model_revision as first').first();
  const limit = Math.min(last, Number(oldest?.first ?? last));
  const old: number[] = await sql('model_changes')
    .where('changed_at', '<', before)
    .where('revision', '<', limit)
    .orderBy('changed_at')
    .limit(ROWS_AT_ONCE)
    .pluck('revision');
  if (old.length > 0) await sql('model_changes').whereIn('revision', old).delete();
  return old.length === ROWS_AT_ONCE;
}

/** One node, and what has changed about it. */
export interface NodeChanges {
  readonly node: Pick<NodeRow, 'uuid' | 'name'>;
  readonly changes: readonly Pick<ModelChangeRow, 'what' | 'oldValue' | 'newValue'>[];
}

/** Adds changes to the history; the database numbers them. */
export async function insertModelChanges(
  rows: readonly Omit<ModelChangeRow, 'revision'>[],
  { direct }: Transaction,
): Promise<void> {
  await direct.insert('model_changes', rows.map(modelChangeCodec.encode));
}

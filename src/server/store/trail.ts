/** The audit trail: a table that only grows. A row that is changed, taken out or put in between breaks the chain of digests. */
import type { Knex } from 'knex';
import { ANCHOR, trailDigest } from '../../core/trail.ts';
import { codecOf } from './columns.ts';
import type { ColumnValues, Transaction } from './database.ts';
import { ROWS_AT_ONCE } from './portions.ts';

/** One entry. What stands beside `entry` is taken out of it, to be looked for. */
interface TrailRow {
  readonly sequence: number;
  readonly at: number;
  readonly identity: string;
  /** Whom the caller named as the one that it acted for. */
  readonly onBehalfOf: string | null;
  readonly rpc: string;
  /** The name of the node, if it is about one. */
  readonly node: string | null;
  /** OK, or the code of the refusal. */
  readonly outcome: string;
  /** All that is known, as JSON. */
  readonly entry: string;
  readonly digest: string;
}

/** The table, both ways. */
export const trailCodec = codecOf<TrailRow>({
  sequence: 'plain',
  at: 'plain',
  identity: 'plain',
  onBehalfOf: 'plain',
  rpc: 'plain',
  node: 'plain',
  outcome: 'plain',
  entry: 'plain',
  digest: 'plain',
});

/** Rows to be appended, in this order, each with its digest. Nothing else may be appended in between. */
export async function chained(rows: readonly ColumnValues[], sql: Knex): Promise<ColumnValues[]> {
  const last = await sql('trail').orderBy('sequence', 'desc').first('digest');
  let before: string = last?.digest ?? '';
  return rows.map((row) => {
    before = trailDigest(before, String(row.entry));
    return { ...row, digest: before };
  });
}

/** Which entries are listed; what is empty holds nothing back. */
interface TrailFilter {
  /** The caller, or the one that it acted for. */
  readonly identity: string;
  readonly node: string;
  readonly rpc: string;
  readonly refused: boolean;
  /** From this time on, in milliseconds since 1970. */
  readonly since: number;
  readonly oldestFirst: boolean;
}

/** At most `limit` entries after a number, in the order of their numbers. */
export async function listTrail(
  { identity, node, rpc, refused, since, oldestFirst }: TrailFilter,
  after: number | null,
  limit: number,
  sql: Knex,
): Promise<TrailRow[]> {
  const query = sql('trail')
    .orderBy('sequence', oldestFirst ? 'asc' : 'desc')
    .limit(limit);
  if (after !== null) query.where('sequence', oldestFirst ? '>' : '<', after);
  if (identity !== '') query.where((either) => either.where({ identity }).orWhere({ on_behalf_of: identity }));
  if (node !== '') query.where({ node });
  if (rpc !== '') query.where({ rpc });
  if (refused) query.whereNot('outcome', 'OK');
  if (since > 0) query.where('at', '>=', since);
  return (await query).map(trailCodec.decode);
}

/** Where the trail begins and ends; null if it is empty. */
export async function endsOfTrail(
  sql: Knex,
): Promise<{ readonly oldest: number; readonly oldestAt: number; readonly newest: number } | null> {
  const oldest = await sql('trail').orderBy('sequence').first('sequence', 'at');
  const newest = await sql('trail').orderBy('sequence', 'desc').first('sequence');
  if (!oldest || !newest) return null;
  return { oldest: Number(oldest.sequence), oldestAt: Number(oldest.at), newest: Number(newest.sequence) };
}

/** Which entries go: the oldest, up to the first that is neither old nor one too many. */
interface OldEntries {
  /** Those that were written before this time. */
  readonly before: number;
  /** ... and those up to this number, if they were written before `manyBefore`. */
  readonly manyTo: number;
  readonly manyBefore: number;
  readonly now: number;
}

/**
 * Deletes the oldest entries, and appends one that says up to which, with the digest of the last: the chain goes on from there. The newest
 * stays.
 * @returns how many were deleted, at most a portion
 */
export async function pruneTrail(
  { before, manyTo, manyBefore, now }: OldEntries,
  { sql, append }: Transaction,
): Promise<number> {
  const ends = await endsOfTrail(sql);
  const rows: Pick<TrailRow, 'sequence' | 'at' | 'digest'>[] = await sql('trail')
    .where('sequence', '<', ends?.newest ?? 0)
    .orderBy('sequence')
    .limit(ROWS_AT_ONCE)
    .select('sequence', 'at', 'digest');
  const stays = rows.findIndex(({ sequence, at }) => at >= before && !(sequence <= manyTo && at < manyBefore));
  const old = stays === -1 ? rows : rows.slice(0, stays);
  const last = old.at(-1);
  if (last === undefined) return 0;
  await sql('trail').where('sequence', '<=', last.sequence).delete();
  const pruned = { sequence: last.sequence, digest: last.digest, count: old.length };
  const common = { at: now, identity: 'conductor', rpc: ANCHOR, outcome: 'OK' };
  const entry = JSON.stringify({ ...common, pruned });
  await append('trail', [trailCodec.encode({ ...common, onBehalfOf: null, node: null, entry })]);
  return old.length;
}

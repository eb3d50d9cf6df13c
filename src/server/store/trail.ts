/** The audit trail: a table that only grows. A row that is changed, taken out or put in between breaks the chain of digests. */
import type { Knex } from 'knex';
import { trailDigest } from '../../core/trail.ts';
import { codecOf } from './columns.ts';
import type { ColumnValues } from './database.ts';

/** One entry. What stands beside `entry` is taken out of it, to be looked for. */
interface TrailRow {
  readonly sequence: number;
  readonly at: number;
  readonly identity: string;
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
  if (identity !== '') query.where({ identity });
  if (node !== '') query.where({ node });
  if (rpc !== '') query.where({ rpc });
  if (refused) query.whereNot('outcome', 'OK');
  if (since > 0) query.where('at', '>=', since);
  return (await query).map(trailCodec.decode);
}

/** Rows for checks: all are looked at after every step, and few have changed since the last one. */
import type { Codec } from '../../src/server/store/columns.ts';
import type { Database } from '../../src/server/store/database.ts';

type Raw = Readonly<Record<string, unknown>>;

/** The rows of one table by id: as they are stored, and decoded. */
type Rows = Map<unknown, { readonly raw: Raw; readonly row: unknown }>;

/** What was read last of each database, by codec. */
const known = new WeakMap<Database['read'], Map<unknown, Rows>>();

const isSame = (one: Raw, other: Raw): boolean => Object.keys(one).every((column) => one[column] === other[column]);

/**
 * As the codec decodes rows of this database. One that is, value by value, stored as it was at the last look is not decoded again.
 * @param id the column that tells rows apart
 */
export function decodedOnce<Row>(read: Database['read'], codec: Codec<Row>, id = 'uuid'): (raw: Raw) => Row {
  const tables = known.get(read) ?? new Map<unknown, Rows>();
  known.set(read, tables);
  const rows: Rows = tables.get(codec) ?? new Map();
  tables.set(codec, rows);
  return (raw) => {
    const before = rows.get(raw[id]);
    if (before !== undefined && isSame(raw, before.raw)) return before.row as Row;
    const row = codec.decode(raw);
    rows.set(raw[id], { raw, row });
    return row;
  };
}

/** How rows look in the database and in the code: one description per table, read both ways. */

/** What a column holds. `json` is text in the database, `flag` is 0 or 1. */
type ColumnKind = 'plain' | 'json' | 'flag';

/** The columns of a table by the names that the code uses; in the database the same words stand with underscores. */
type Columns<Row> = { readonly [Name in keyof Row & string]: ColumnKind };

type DatabaseRow = Record<string, unknown>;

/** `powerState` → `power_state`. */
function columnName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const DECODE: Record<ColumnKind, (value: unknown) => unknown> = {
  plain: (value) => value,
  json: (value) => (value === null ? null : JSON.parse(value as string)),
  flag: (value) => value === 1 || value === true,
};
const ENCODE: Record<ColumnKind, (value: unknown) => unknown> = {
  plain: (value) => value,
  json: (value) => (value === null ? null : JSON.stringify(value)),
  flag: (value) => (value ? 1 : 0),
};

/** A row with a part of it written anew; what is undefined there is left as it was. */
export function patched<Row extends object>(row: Row, part: Partial<Row>): Row {
  const after: Row = { ...row };
  for (const name of Object.keys(part) as (keyof Row)[]) {
    const value = part[name];
    if (value !== undefined) after[name] = value as Row[typeof name];
  }
  return after;
}

/** What of a part is not in the row yet. What is written as it was is still written, in each index that it is in. */
export function newIn<Row extends object>(row: Row, part: Partial<Row>): Partial<Row> {
  const news: Partial<Row> = {};
  for (const name of Object.keys(part) as (keyof Row)[]) {
    const value = part[name];
    if (value !== undefined && value !== row[name]) news[name] = value as Row[typeof name];
  }
  return news;
}

/** True if to write this part anew would leave the row as it is. */
export function isAsWritten<Row extends object>(row: Row, part: Partial<Row>): boolean {
  return Object.keys(newIn(row, part)).length === 0;
}

/** Two functions that turn rows of one table into the database's form and back. */
export interface Codec<Row> {
  decode(row: DatabaseRow): Row;
  /** Encodes the given part of a row; what is undefined is left out. */
  encode(part: Partial<Row>): DatabaseRow;
}

/** The codec of a table. */
export function codecOf<Row extends object>(columns: Columns<Row>): Codec<Row> {
  const entries = (Object.entries(columns) as [keyof Row & string, ColumnKind][]).map(
    ([name, kind]) => [name, columnName(name), kind] as const,
  );
  const byName = new Map<string, (typeof entries)[number]>(entries.map((entry) => [entry[0], entry]));
  return {
    decode(row) {
      const decoded: Record<string, unknown> = {};
      for (const [name, column, kind] of entries) {
        const value = row[column] ?? null;
        decoded[name] = kind === 'plain' ? value : DECODE[kind](value);
      }
      return decoded as Row;
    },
    encode(part) {
      const encoded: DatabaseRow = {};
      // A part is mostly small, and the columns are many.
      for (const given of Object.keys(part)) {
        const entry = byName.get(given);
        if (entry === undefined) continue;
        const [name, column, kind] = entry;
        const value = part[name];
        if (value !== undefined) encoded[column] = kind === 'plain' ? value : ENCODE[kind](value);
      }
      return encoded;
    },
  };
}

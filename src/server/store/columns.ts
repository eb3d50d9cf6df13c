/** How rows look in the database and in the code: one description per table, read both ways. */

/** What a column holds. `json` is text in the database, `flag` is 0 or 1. */
export type ColumnKind = 'plain' | 'json' | 'flag';

/** The columns of a table by the names that the code uses; in the database the same words stand with underscores. */
export type Columns<Row> = { readonly [Name in keyof Row & string]: ColumnKind };

type DatabaseRow = Record<string, unknown>;

/** `powerState` → `power_state`. */
export function columnName(name: string): string {
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
  return {
    decode: (row) =>
      Object.fromEntries(entries.map(([name, column, kind]) => [name, DECODE[kind](row[column] ?? null)])) as Row,
    encode: (part) =>
      Object.fromEntries(
        entries
          .filter(([name]) => part[name] !== undefined)
          .map(([name, column, kind]) => [column, ENCODE[kind](part[name])]),
      ),
  };
}

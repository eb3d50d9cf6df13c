/** Statements about few rows, past knex: each is prepared once for the life of the connection, under a name. */
import type pg from 'pg';
import { fail } from '../../../core/errors.ts';
import type { ColumnValues } from '../database.ts';
import type { DirectWithSavepoint } from '../groups.ts';
import { portionsOfFewLengths } from '../portions.ts';

/** This many rows are inserted by one statement. */
const ROWS_IN_ONE = 256;

/** The names of statements, by their texts. The texts are few: see `portionsOfFewLengths`. */
export type StatementNames = Map<string, string>;

const quoted = (name: string): string => `"${name}"`;

/** Over the connection of the transaction that is open on it. */
export function openDirect(client: pg.Client, names: StatementNames): DirectWithSavepoint {
  const run = (text: string, values: unknown[]): Promise<pg.QueryResult> => {
    const name = names.get(text) ?? `s${names.size}`;
    names.set(text, name);
    return client.query({ name, text, values });
  };
  let behind = false;
  return {
    async insert(table, rows) {
      // A column that is not named is null; of a new power task, half of them are.
      const columns = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null));
      for (const part of portionsOfFewLengths(rows, ROWS_IN_ONE)) {
        const values = part.flatMap((row) => columns.map((name) => row[name]));
        const places = part.map((_, at) => `(${columns.map((_, column) => `$${at * columns.length + column + 1}`)})`);
        await run(`insert into ${quoted(table)} (${columns.map(quoted)}) values ${places}`, values);
      }
    },
    async update(table, values, where) {
      const names = Object.keys(values);
      const found = conditionOf(where, names.length);
      const set = names.map((name, at) => `${quoted(name)} = $${at + 1}`);
      const text = `update ${quoted(table)} set ${set} where ${found.text}`;
      return (await run(text, [...Object.values(values), ...found.values])).rowCount ?? 0;
    },
    async find(table, where) {
      const found = conditionOf(where, 0);
      return (await run(`select * from ${quoted(table)} where ${found.text}`, found.values)).rows;
    },
    async savepoint() {
      // One question for both: the savepoint of the member before is not released until then.
      await client.query(behind ? 'release savepoint one; savepoint one' : 'savepoint one');
      behind = true;
    },
    release: async () => mustBeOpen(client),
    undo: async () => void (await client.query('rollback to savepoint one')),
  };
}

/**
 * After an error PostgreSQL undoes the transaction whatever follows, and answers COMMIT as if all was well.
 * @throws INTERNAL if a callback has kept an error of the database to itself
 */
export function mustBeOpen(client: pg.Client): void {
  if (client.getTransactionStatus() !== 'T')
    throw fail(
      'INTERNAL',
      'a write went on after an error of the database, which undoes all of it; nothing was written',
    );
}

interface Condition {
  readonly text: string;
  readonly values: unknown[];
}

/** @param before how many values the statement has already */
function conditionOf(where: ColumnValues, before: number): Condition {
  const values: unknown[] = [];
  const parts = Object.entries(where).map(([name, value]) => {
    if (value === null) return `${quoted(name)} is null`;
    const place = `$${before + values.push(value)}`;
    return `${quoted(name)} = ${Array.isArray(value) ? `any(${place})` : place}`;
  });
  return { text: parts.join(' and '), values };
}

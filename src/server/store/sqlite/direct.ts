/**
 * Statements about few rows, past knex. Every power task runs ten of them, and knex takes longer to build one than the
 * database to run it. What is run often and fits is run here; all else is clearer with knex.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { ColumnValues } from '../database.ts';
import type { DirectWithSavepoint } from '../groups.ts';
import { portionsOfFewLengths } from '../portions.ts';

/**
 * Statements by their words, one after the other: the same few are run again and again, and to put their text together
 * takes longer than to follow the words.
 */
interface Prepared {
  readonly next: Map<string, Prepared>;
  statement: BetterSqlite3.Statement | null;
}

/** How many rows are inserted by one statement. */
const ROWS_IN_ONE = 64;

/** Over the one connection that there is: whoever has the transaction has it. */
export function openDirect(connection: BetterSqlite3.Database): DirectWithSavepoint {
  const prepared: Prepared = { next: new Map(), statement: null };
  const statementOf = (words: readonly string[], text: () => string): BetterSqlite3.Statement => {
    let at = prepared;
    for (const word of words) {
      const next = at.next.get(word) ?? { next: new Map(), statement: null };
      at.next.set(word, next);
      at = next;
    }
    at.statement ??= connection.prepare(text());
    return at.statement;
  };
  const savepoint = connection.prepare('savepoint one');
  const release = connection.prepare('release savepoint one');
  const undo = connection.prepare('rollback to savepoint one');
  return {
    async insert(table, rows) {
      // A column that is not named is null; of a new power task, half of them are.
      const names = Object.keys(rows[0] ?? {}).filter((name) => rows.some((row) => row[name] !== null));
      for (const part of portionsOfFewLengths(rows, ROWS_IN_ONE)) {
        const row = `(${names.map(() => '?').join(', ')})`;
        const text = (): string =>
          `insert into ${table} (${names.join(', ')}) values ${part.map(() => row).join(', ')}`;
        const values = part.flatMap((each) => names.map((name) => each[name]));
        statementOf(['insert', table, String(part.length), ...names], text).run(values);
      }
    },
    async update(table, values, where) {
      const names = Object.keys(values);
      const found = conditionOf(where);
      const text = (): string =>
        `update ${table} set ${names.map((name) => `${name} = ?`).join(', ')} where ${found.text()}`;
      const statement = statementOf(['update', table, ...names, 'where', ...found.words], text);
      return statement.run([...Object.values(values), ...found.values]).changes;
    },
    async find(table, where) {
      const found = conditionOf(where);
      const text = (): string => `select * from ${table} where ${found.text()}`;
      return statementOf(['find', table, ...found.words], text).all(found.values) as Record<string, unknown>[];
    },
    savepoint: async () => void savepoint.run(),
    release: async () => void release.run(),
    async undo() {
      undo.run();
      release.run();
    },
  };
}

/** A condition: the words that tell it from others, its text, and the values in their order. */
interface Condition {
  readonly words: readonly string[];
  readonly text: () => string;
  readonly values: readonly unknown[];
}

function conditionOf(where: ColumnValues): Condition {
  const words: string[] = [];
  const values: unknown[] = [];
  for (const [name, value] of Object.entries(where)) {
    words.push(name, signOf(value));
    if (Array.isArray(value)) values.push(...value);
    else if (value !== null) values.push(value);
  }
  const text = (): string =>
    Object.entries(where)
      .map(([name, value]) => `${name} ${signOf(value)}`)
      .join(' and ');
  return { words, text, values };
}

function signOf(value: unknown): string {
  if (value === null) return 'is null';
  // SQLite makes a table of a list, also of one value.
  return Array.isArray(value) && value.length !== 1 ? `in (${value.map(() => '?').join(', ')})` : '= ?';
}

/**
 * Statements about one row, past knex. Every power task runs ten of them, and knex takes longer to build one than the
 * database to run it. What is run often and fits is run here; all else is clearer with knex.
 */
import type BetterSqlite3 from 'better-sqlite3';

/** Values by the names of columns, as a codec encodes them. */
export type ColumnValues = Readonly<Record<string, unknown>>;

/** Statements about one row, in the transaction that is under way. Each is prepared once. */
export interface Direct {
  insert(table: string, row: ColumnValues): Promise<void>;
  /** Writes new values where the columns of `where` have these values, or are null. Resolves with how many rows there were. */
  update(table: string, values: ColumnValues, where: ColumnValues): Promise<number>;
  /** The rows with these values; a list stands for any of its values, and must not be long. */
  find(table: string, where: ColumnValues): Promise<Record<string, unknown>[]>;
}

/** With the savepoint of the member of a commit whose turn it is. */
export interface DirectWithSavepoint extends Direct {
  savepoint(): Promise<void>;
  release(): Promise<void>;
  /** Undoes what was written since the savepoint. */
  undo(): Promise<void>;
}

/** Over the one connection that there is: whoever has the transaction has it. */
export function openDirect(connection: BetterSqlite3.Database): DirectWithSavepoint {
  const run = (text: string, values: readonly unknown[] = []): number =>
    connection.prepare(text).run(...values).changes;
  return {
    async insert(table, row) {
      const names = Object.keys(row);
      run(`insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`, Object.values(row));
    },
    async update(table, values, where) {
      const names = Object.keys(values).map((name) => `${name} = ?`);
      const found = conditionOf(where);
      return run(`update ${table} set ${names.join(', ')} where ${found.text}`, [
        ...Object.values(values),
        ...found.values,
      ]);
    },
    async find(table, where) {
      const { text, values } = conditionOf(where);
      return connection.prepare(`select * from ${table} where ${text}`).all(...values) as Record<string, unknown>[];
    },
    savepoint: async () => void run('savepoint one'),
    release: async () => void run('release savepoint one'),
    async undo() {
      run('rollback to savepoint one');
      run('release savepoint one');
    },
  };
}

function conditionOf(where: ColumnValues): { readonly text: string; readonly values: readonly unknown[] } {
  const conditions: string[] = [];
  const values: unknown[] = [];
  for (const [name, value] of Object.entries(where)) {
    if (value === null) conditions.push(`${name} is null`);
    else if (Array.isArray(value)) conditions.push(`${name} in (${value.map(() => '?').join(', ')})`);
    else conditions.push(`${name} = ?`);
    if (Array.isArray(value)) values.push(...value);
    else if (value !== null) values.push(value);
  }
  return { text: conditions.join(' and '), values };
}

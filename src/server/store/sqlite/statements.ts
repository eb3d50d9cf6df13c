/** Prepared statements. To prepare one takes ten times as long as to run it. */
import type BetterSqlite3 from 'better-sqlite3';

/** What knex uses of a statement. */
type Statement = Pick<BetterSqlite3.Statement, 'reader' | 'all' | 'run' | 'safeIntegers'>;

/** Far more than the code has. */
const STATEMENT_LIMIT = 500;

/** knex prepares every statement anew; from now on, the connection keeps what it has prepared. */
export function keepStatements(connection: BetterSqlite3.Database): void {
  const prepare = connection.prepare.bind(connection);
  const kept = new Map<string, Statement>();
  const prepareOnce = (sql: string): Statement => {
    const statement = kept.get(sql) ?? (sql.endsWith(BOUND_LIMIT) ? limitInText(sql, prepare) : prepare(sql));
    if (kept.size < STATEMENT_LIMIT) kept.set(sql, statement);
    return statement;
  };
  connection.prepare = prepareOnce as typeof connection.prepare;
}

const BOUND_LIMIT = ' limit ?';

/**
 * SQLite plans by the value of a bound LIMIT, and so prepares a statement again each time that this is bound. Most statements
 * are always run with the same limit, such as 1; so the first limit is written into the text, and only others are bound.
 */
function limitInText(sql: string, prepare: (sql: string) => Statement): Statement {
  const bound = prepare(sql);
  let known: { readonly limit: number; readonly statement: Statement } | null = null;
  return {
    reader: bound.reader,
    run: (...values) => bound.run(...values),
    safeIntegers: (on) => bound.safeIntegers(on),
    all(values: unknown) {
      const limit: unknown = Array.isArray(values) ? values.at(-1) : null;
      if (!Array.isArray(values) || !Number.isSafeInteger(limit)) return bound.all(values);
      known ??= { limit: limit as number, statement: prepare(`${sql.slice(0, -1)}${limit}`) };
      return known.limit === limit ? known.statement.all(values.slice(0, -1)) : bound.all(values);
    },
  };
}

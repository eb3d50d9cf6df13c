/** Prepared statements. To prepare one takes ten to a hundred times as long as to run it. */
import type BetterSqlite3 from 'better-sqlite3';

/** More than are in use at a time. There is one for each length of a list, so that all of them would be more. */
const STATEMENT_LIMIT = 500;

/** knex prepares every statement anew; from now on, the connection keeps what it has prepared, up to a limit; the oldest goes first. */
export function keepStatements(connection: BetterSqlite3.Database): void {
  const prepare = connection.prepare.bind(connection);
  const kept = new Map<string, BetterSqlite3.Statement>();
  const prepareOnce = (sql: string): BetterSqlite3.Statement => {
    const known = kept.get(sql);
    if (known) return known;
    const statement = prepare(planOnce(sql));
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= STATEMENT_LIMIT) kept.delete(oldest);
    kept.set(sql, statement);
    return statement;
  };
  connection.prepare = prepareOnce as typeof connection.prepare;
}

/** A parameter in the text of a statement; none of ours has a question mark in quotes. */
const PARAMETER = /(?<=[\s(,])\?/g;

/**
 * The same statement, planned once. SQLite looks at the value of a parameter wherever it compares it with another expression:
 * for an ORDER BY, a partial index, LIKE and LIMIT. It prepares such a statement again each time that the parameter is
 * bound, if only to the same value, as a better plan might fit; there is none for ours. It does not look through a unary
 * plus, which changes neither value nor affinity. (Connections can be told so, by SQLITE_DBCONFIG_ENABLE_QPSG, but not
 * by better-sqlite3.)
 */
const planOnce = (sql: string): string => sql.replace(PARAMETER, '+?');

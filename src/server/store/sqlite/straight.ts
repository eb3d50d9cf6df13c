/**
 * Queries and transactions of knex, straight on the one connection that there is. knex's own way there is made for pools, drivers
 * that answer later and nested transactions: it takes several times as long as SQLite takes for most statements.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { fail } from '../../../core/errors.ts';
import { explainSqlite } from './errors.ts';

/** From now on, those who use the connection of `knex` have it in turns, in the order in which they came: its pool is not asked. */
export function takeTurns({ client }: Knex, connection: BetterSqlite3.Database): void {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  client.acquireConnection = async (): Promise<BetterSqlite3.Database> => {
    if (isTaken) await new Promise<void>((resolve) => waiting.push(resolve));
    isTaken = true;
    return connection;
  };
  client.releaseConnection = async (): Promise<void> => {
    const next = waiting.shift();
    if (next) next();
    else isTaken = false;
  };
}

/** What knex makes of a query, and what it reads the answer from. */
interface Compiled {
  readonly sql: string;
  readonly bindings: readonly unknown[];
  response?: unknown;
  context?: { readonly lastID: number | bigint; readonly changes: number };
}

/** What knex runs a query by. */
interface Runner {
  readonly client: Knex.Client & { processResponse(compiled: Compiled, runner: Runner): unknown };
  readonly builder: { toSQL(): Compiled | readonly Compiled[] };
  connection: BetterSqlite3.Database;
  run(): Promise<unknown>;
  queryArray(queries: readonly Compiled[]): Promise<unknown>;
}

/** From now on, queries are run without what knex does around them. They tell `query` and `query-response`, as knex does. */
export function runStraight({ client }: Knex): void {
  const runnerOf: (this: Knex.Client, builder: unknown) => Runner = client.runner;
  client.runner = function runner(this: Knex.Client, builder: unknown): Runner {
    const usual = runnerOf.call(this, builder);
    usual.run = () => run(usual);
    return usual;
  };
}

async function run(runner: Runner): Promise<unknown> {
  const { client, builder } = runner;
  const connection: BetterSqlite3.Database = await client.acquireConnection();
  try {
    const compiled = builder.toSQL();
    if (isOne(compiled)) return answer(compiled, connection, runner);
    // The schema builder makes several, or none.
    runner.connection = connection;
    return await runner.queryArray(compiled);
  } finally {
    await client.releaseConnection(connection);
  }
}

const isOne = (compiled: Compiled | readonly Compiled[]): compiled is Compiled => !Array.isArray(compiled);

function answer(compiled: Compiled, connection: BetterSqlite3.Database, runner: Runner): unknown {
  const { client, builder } = runner;
  client.emit('query', compiled);
  try {
    const statement = connection.prepare(compiled.sql);
    const values = compiled.bindings.map(bound);
    if (statement.reader) compiled.response = statement.all(values);
    else {
      const { changes, lastInsertRowid } = statement.run(values);
      compiled.context = { lastID: lastInsertRowid, changes };
    }
  } catch (thrown) {
    const error = thrown as Error;
    // It names the statement, never the values.
    error.message = `${compiled.sql} - ${error.message}`;
    client.emit('query-error', error, compiled);
    throw explainSqlite(error);
  }
  const answered: unknown = client.processResponse(compiled, runner);
  client.emit('query-response', answered, compiled, builder);
  return answered;
}

/** SQLite has neither booleans nor times. */
const bound = (value: unknown): unknown =>
  typeof value === 'boolean' || value instanceof Date ? Number(value) : value;

/** The transactions of one connection, one after the other. */
export class Transactions {
  readonly #knex: Knex;
  readonly #begin: BetterSqlite3.Statement;
  readonly #commit: BetterSqlite3.Statement;
  readonly #rollback: BetterSqlite3.Statement;
  /** The last one may still be open: its COMMIT and ROLLBACK have both failed. */
  #isLeft = false;

  constructor(knex: Knex, connection: BetterSqlite3.Database) {
    this.#knex = knex;
    this.#begin = connection.prepare('begin');
    this.#commit = connection.prepare('commit');
    this.#rollback = connection.prepare('rollback');
    this.#endLeftovers();
  }

  /** Runs `work` in a transaction, which ends with it. What reaches the rows in it is of no use afterwards. */
  async run<T>(work: (sql: Knex) => Promise<T>): Promise<T> {
    const { client } = this.#knex;
    const connection: BetterSqlite3.Database = await client.acquireConnection();
    const transaction = within(this.#knex, connection);
    try {
      this.#begin.run();
      const result = await work(transaction.sql);
      this.#commit.run();
      return result;
    } catch (error) {
      this.#undo(connection);
      throw error;
    } finally {
      transaction.end();
      await client.releaseConnection(connection);
    }
  }

  #undo(connection: BetterSqlite3.Database): void {
    try {
      // When the disk fails, SQLite has rolled back by itself.
      if (connection.inTransaction) this.#rollback.run();
    } catch {
      this.#isLeft = true;
    }
  }

  /** Whoever is given the connection next must neither read what was not committed nor fail to begin. */
  #endLeftovers(): void {
    const { client } = this.#knex;
    const acquire = client.acquireConnection.bind(client);
    client.acquireConnection = async (): Promise<BetterSqlite3.Database> => {
      const connection = await acquire();
      if (!this.#isLeft) return connection;
      try {
        if (connection.inTransaction) connection.exec('rollback');
        this.#isLeft = false;
        return connection;
      } catch (error) {
        await client.releaseConnection(connection);
        throw error;
      }
    };
  }
}

/** The same knex within a transaction: its queries do not wait for the connection, which the transaction has. */
function within(
  knex: Knex & { readonly context?: Knex },
  connection: BetterSqlite3.Database,
): { readonly sql: Knex; end(): void } {
  let isOver = false;
  const acquireConnection = async (): Promise<BetterSqlite3.Database> => {
    if (isOver) throw fail('INTERNAL', 'a query was begun in a transaction that is over');
    return connection;
  };
  const own = { acquireConnection, releaseConnection: async () => {}, transacting: true };
  const context = Object.assign(Object.create(knex.context ?? null), {
    client: Object.assign(Object.create(knex.client), own),
  });
  const sql = (table: string): unknown => context.queryBuilder().table(table);
  // What else it can do, it does as knex does, by its own context.
  Object.setPrototypeOf(sql, knex);
  return {
    sql: Object.assign(sql, { context, isTransaction: true }) as unknown as Knex,
    end: () => {
      isOver = true;
    },
  };
}

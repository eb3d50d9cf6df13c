/**
 * One database in memory that outlives the processes of a world. Each process opens it as the product does; what is handed to
 * it fails, or ends the process, at any statement: BEGIN, COMMIT, savepoints and all that lies between.
 */
import BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import { databaseOver } from '../../src/server/store/sqlite/database.ts';
import { imageOfNewborn, openFileOver } from '../../src/server/store/sqlite/file.ts';
import { Crash } from './process.ts';

/** A database as bytes, to begin a world with. */
export async function imageOf(database: Database): Promise<Buffer> {
  const { client } = database.read;
  const connection: BetterSqlite3.Database = await client.acquireConnection();
  const image = connection.serialize();
  await client.releaseConnection(connection);
  // Bytes 18 and 19 say that there is a write-ahead log, which a database in memory cannot have.
  image.fill(1, 18, 20);
  return image;
}

/** Who uses the connection. */
export interface ConnectionUser {
  readonly alive: boolean;
  /** Called before each statement; what it throws is what the statement comes to. */
  statement(): void;
  /** Called after each commit, before anyone else is told; what it throws ends the process there. */
  afterCommit(changes: readonly Change[]): void;
}

/** Whoever looks at the database from outside of all processes. */
const OBSERVER: ConnectionUser = { alive: true, statement: () => {}, afterCommit: () => {} };

interface Waiting {
  readonly user: ConnectionUser;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The schema is made once for thousands of worlds. */
let newborn: Buffer | null = null;

/** The connection, given to one user at a time. */
export class SharedConnection {
  readonly #raw: BetterSqlite3.Database;
  readonly #statements = new Map<string, BetterSqlite3.Statement>();
  #holder: ConnectionUser | null = null;
  #waiting: Waiting[] = [];

  private constructor(raw: BetterSqlite3.Database) {
    this.#raw = raw;
  }

  /** A new database, or one that an earlier conductor has left, as bytes. */
  static async create(image?: Buffer): Promise<SharedConnection> {
    newborn ??= await imageOfNewborn();
    const raw = new BetterSqlite3((image ?? newborn) as never);
    raw.pragma('foreign_keys = ON');
    raw.pragma('temp_store = MEMORY');
    return new SharedConnection(raw);
  }

  /** The database as it is, whoever lives. */
  observe(): Database {
    return this.open(OBSERVER);
  }

  /** The database as one process opens it. */
  open(user: ConnectionUser): Database {
    const connection = this.#connectionOf(user);
    const take = async (): Promise<BetterSqlite3.Database> => {
      await this.#take(user);
      return connection;
    };
    const afterCommit = (changes: readonly Change[]): void => user.afterCommit(changes);
    return databaseOver(openFileOver({ connection, take, give: () => this.#give(user), afterCommit }));
  }

  /** A process has died: what it had not committed is undone, and others have their turn. */
  leave(user: ConnectionUser): void {
    const [own, others] = [true, false].map((isOwn) => this.#waiting.filter((each) => (each.user === user) === isOwn));
    this.#waiting = others ?? [];
    for (const { reject } of own ?? []) reject(new Crash());
    if (this.#holder !== user) return;
    if (this.#raw.inTransaction) this.#raw.exec('rollback');
    this.#give(user);
  }

  /** True while a transaction is open. */
  get inTransaction(): boolean {
    return this.#raw.inTransaction;
  }

  #take(user: ConnectionUser): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ user, resolve, reject });
      this.#next();
    });
  }

  #give(user: ConnectionUser): void {
    if (this.#holder !== user) return;
    this.#holder = null;
    this.#next();
  }

  #next(): void {
    if (this.#holder !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    if (!next.user.alive) {
      next.reject(new Crash());
      this.#next();
      return;
    }
    this.#holder = next.user;
    next.resolve();
  }

  /** What knex and the store use of a connection, with each statement put before the user. */
  #connectionOf(user: ConnectionUser): BetterSqlite3.Database {
    const raw = this.#raw;
    const own = (): boolean => user.alive && this.#holder === user;
    const connection = {
      prepare: (sql: string) => this.#prepare(sql, user),
      exec: (sql: string) => {
        user.statement();
        raw.exec(sql);
      },
      pragma: (text: string, options?: BetterSqlite3.PragmaOptions) => raw.pragma(text, options),
      get inTransaction() {
        return own() && raw.inTransaction;
      },
      memory: true,
      close: () => {},
    };
    return connection as unknown as BetterSqlite3.Database;
  }

  #prepare(sql: string, user: ConnectionUser): BetterSqlite3.Statement {
    const statement = this.#statements.get(sql) ?? this.#raw.prepare(sql);
    this.#statements.set(sql, statement);
    const before =
      <Given extends unknown[], Answer>(run: (...given: Given) => Answer) =>
      (...given: Given): Answer => {
        user.statement();
        return run.apply(statement, given);
      };
    const guarded = {
      reader: statement.reader,
      run: before(statement.run as never),
      all: before(statement.all as never),
      get: before(statement.get as never),
      safeIntegers: (on: boolean) => statement.safeIntegers(on),
    };
    return guarded as unknown as BetterSqlite3.Statement;
  }
}

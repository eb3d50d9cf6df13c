/**
 * One database in memory that outlives the processes of a world. Each process opens it as the product does; what is handed to
 * it fails, or ends the process, at any statement: BEGIN, COMMIT, savepoints and all that lies between.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../src/server/store/database.ts';
import type { Change } from '../../src/server/store/feed.ts';
import type { WriteOptions } from '../../src/server/store/groups.ts';
import type { OwnProcess } from '../../src/server/store/own_process.ts';
import { databaseOver } from '../../src/server/store/sqlite/database.ts';
import { type OpenFile, openFileOver } from '../../src/server/store/sqlite/file.ts';
import { takeOwnership } from '../../src/server/store/sqlite/owner.ts';
import { giveBack, type Memory, openMemory, preparedIn, takeNewborn } from './memory.ts';
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
  /** Waited for before the connection is taken: what is asked may have a long way. */
  reach?(): Promise<void>;
  /** Called before each statement; what it throws is the result of the statement. */
  statement(): void;
  /** Called after each commit, before anyone else is told, and waited for; what it throws ends the process there. */
  afterCommit(changes: readonly Change[]): Promise<void> | undefined;
}

/** Whoever looks at the database from outside of all processes. */
const OBSERVER: ConnectionUser = { alive: true, statement: () => {}, afterCommit: () => {} };

/** A database, and how whoever leads by it shows that it lives. */
interface Led {
  readonly database: Database;
  /** A commit of no rows; `work` is done in it. */
  readonly beat: (work: () => unknown) => Promise<void>;
}

interface Waiting {
  readonly user: ConnectionUser;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The connection, given to one user at a time. */
export class SharedConnection {
  readonly #memory: Memory;
  /** What the row of the owner says. */
  #generation = 0;
  #isClosed = false;
  #holder: ConnectionUser | null = null;
  /** Who had it last. */
  #last: ConnectionUser | null = null;
  #waiting: Waiting[] = [];

  private constructor(memory: Memory) {
    this.#memory = memory;
  }

  get #raw(): BetterSqlite3.Database {
    return this.#memory.raw;
  }

  /** A new database, or one that an earlier conductor has left, as bytes. */
  static create(image?: Buffer): SharedConnection {
    return new SharedConnection(image === undefined ? takeNewborn() : openMemory(image, null));
  }

  /** All of it as bytes, between two transactions. */
  async image(): Promise<Buffer> {
    await this.#take(OBSERVER);
    try {
      return this.#raw.serialize();
    } finally {
      this.#give(OBSERVER);
    }
  }

  /** The database as it is, whoever lives. To close it ends the connection for everybody. */
  observe(): Database {
    const database = databaseOver(this.#fileOf(OBSERVER));
    const close = database.close.bind(database);
    database.close = async () => {
      await close();
      this.#close();
    };
    return database;
  }

  /**
   * The database as the process opens it that has it from then on.
   * @throws DATA_FOLDER_IN_USE if its owner is alive, as far as `self` can tell
   */
  async openOwned(user: ConnectionUser, self: OwnProcess, options: WriteOptions = {}): Promise<Database> {
    return (await this.openLed(user, self, options)).database;
  }

  /** As `openOwned`, and how its leader shows that it lives. */
  async openLed(user: ConnectionUser, self: OwnProcess, options: WriteOptions = {}): Promise<Led> {
    await this.#take(user);
    try {
      user.statement();
      const generation = takeOwnership(self, 'of the simulation', this.#raw);
      this.#generation = generation;
      const database = this.open(user, generation, options);
      return { database, beat: (work) => this.#beat(user, generation, database, work) };
    } finally {
      this.#give(user);
    }
  }

  /**
   * A write of nothing, as its user sees it: BEGIN, the owner's row, COMMIT. A leader makes one each second of virtual time;
   * by `Database.write` they took half of the time of such a world, and by these statements a tenth.
   */
  async #beat(user: ConnectionUser, generation: number, database: Database, work: () => unknown): Promise<void> {
    if (user.reach) await user.reach();
    await this.#take(user);
    let isOwn = false;
    try {
      user.statement();
      user.statement();
      isOwn = this.#generation === generation;
      if (isOwn) work();
      user.statement();
    } finally {
      this.#give(user);
    }
    // One that has lost its database learns it as by any other write.
    if (isOwn) await user.afterCommit([]);
    else await database.write(async () => {});
  }

  /** The database as one process opens it. With a generation, each of its commits checks that it still has it. */
  open(user: ConnectionUser, generation = 0, options: WriteOptions = {}): Database {
    return databaseOver(this.#fileOf(user, generation), options);
  }

  #fileOf(user: ConnectionUser, generation = 0): OpenFile {
    const connection = this.#connectionOf(user);
    const take = async (): Promise<BetterSqlite3.Database> => {
      if (user.reach) await user.reach();
      await this.#take(user);
      return connection;
    };
    const afterCommit = (changes: readonly Change[]) => user.afterCommit(changes);
    return openFileOver({ connection, generation, take, give: () => this.#give(user), afterCommit });
  }

  /** From now on, every statement of this world fails; the memory is given to the next world. */
  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Crash());
    giveBack(this.#memory);
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
      if (this.#isClosed) return reject(new Crash());
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
    // Real processes have connections of their own: what one leaves open, as its COMMIT and ROLLBACK failed, is not another's.
    if (this.#last !== next.user && this.#raw.inTransaction) this.#raw.exec('rollback');
    this.#last = next.user;
    this.#holder = next.user;
    next.resolve();
  }

  /** What knex and the store use of a connection, with each statement put before the user. */
  #connectionOf(user: ConnectionUser): BetterSqlite3.Database {
    const raw = this.#raw;
    const own = (): boolean => user.alive && this.#holder === user && !this.#isClosed;
    const before = (): void => {
      if (this.#isClosed) throw new Crash();
      user.statement();
    };
    const connection = {
      prepare: (sql: string) => this.#prepare(sql, before),
      exec: (sql: string) => {
        before();
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

  #prepare(sql: string, before: () => void): BetterSqlite3.Statement {
    const statement = preparedIn(this.#memory, sql);
    const guarded =
      <Given extends unknown[], Answer>(run: (...given: Given) => Answer) =>
      (...given: Given): Answer => {
        before();
        return run.apply(statement, given);
      };
    return {
      reader: statement.reader,
      run: guarded(statement.run as never),
      all: guarded(statement.all as never),
      get: guarded(statement.get as never),
      safeIntegers: (on: boolean) => statement.safeIntegers(on),
    } as unknown as BetterSqlite3.Statement;
  }
}

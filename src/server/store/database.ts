/**
 * The database: opened, locked, migrated, and written in groups. The SQL is portable; SQLite is the embedded default.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import createKnex, { type Knex } from 'knex';
import { othersFirst } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { type ColumnValues, type Direct, type DirectWithSavepoint, openDirect } from './direct.ts';
import { type Change, Feed } from './feed.ts';
import { Kept, keepBehind } from './kept.ts';
import { MIGRATIONS } from './migrations/list.ts';
import { ROWS_AT_ONCE } from './portions.ts';

/** What a write works with: a transaction, and a place to say what it changed. */
export interface Transaction {
  readonly sql: Knex;
  /**
   * Says what was written: a row is kept for the readings that follow, and the feed is told after the commit and only then.
   * Every write of a row that is kept says so.
   */
  readonly changed: (change: Change) => void;
  /** The same of a change that nobody is to be told of. */
  readonly keep: (change: Change) => void;
  /**
   * Adds rows to a table that is only ever added to. They are written with those of others at the latest at the end of the
   * commit, in this order: until then they are not there for whoever reads in it.
   */
  readonly append: (table: AppendedTable, rows: readonly ColumnValues[]) => Promise<void>;
  readonly direct: Direct;
}

/** The tables that are written at the end of a commit. */
export type AppendedTable = 'events';

interface Appended {
  readonly table: AppendedTable;
  readonly row: ColumnValues;
}

interface PendingWrite {
  readonly work: (transaction: Transaction) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What a write, or a group of them, leaves for the end of the commit. */
interface Written {
  readonly changes: Change[];
  readonly appended: Appended[];
}

/** At most so many writes share one commit: enough to pay for the disk, few enough not to keep anyone waiting. */
const GROUP_LIMIT = 256;

/** One open database. Writes run one after the other; those that wait together are committed together. */
export class Database {
  readonly read: Knex;
  readonly feed = new Feed();
  readonly #kept = new Kept();
  readonly #direct: DirectWithSavepoint;
  readonly #unlock: () => void;
  #queue: PendingWrite[] = [];
  #draining: Promise<void> | null = null;

  constructor(knex: Knex, direct: DirectWithSavepoint, unlock: () => void) {
    this.read = knex;
    this.#direct = direct;
    this.#unlock = unlock;
    keepBehind(knex, this.#kept.committed);
  }

  /** True while writes wait or run. */
  get busy(): boolean {
    return this.#draining !== null;
  }

  /**
   * Runs `work` in a transaction and resolves with its result after the commit, durable. If `work` throws, its own
   * changes are undone, those of others stand, and the error is passed on.
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#draining ??= this.#drain();
    return done;
  }

  /** Finishes the writes that wait, then closes the file and gives up the lock. */
  async close(): Promise<void> {
    await this.#draining;
    await this.read.destroy();
    this.#unlock();
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#untilNobodyComes();
      await this.#commit(this.#queue.splice(0, GROUP_LIMIT));
    }
    this.#draining = null;
  }

  /** SQLite answers at once: if nobody were let in here, all would come one after the other, and pay for a commit each. */
  async #untilNobodyComes(): Promise<void> {
    let before: number;
    do {
      before = this.#queue.length;
      await othersFirst();
    } while (this.#queue.length > before && before < GROUP_LIMIT);
  }

  async #commit(group: PendingWrite[]): Promise<void> {
    const settlements: (() => void)[] = [];
    const changes: Change[] = [];
    const appended: Appended[] = [];
    try {
      await this.read.transaction(async (sql) => {
        keepBehind(sql, this.#kept.uncommitted);
        for (const write of group)
          settlements.push(await this.#runOne(write, sql, { changes, appended }, group.length > 1));
        await this.#insertAll(appended);
      });
    } catch (error) {
      this.#kept.endGroup(false);
      for (const write of group) write.reject(error);
      return;
    }
    this.#kept.endGroup(true);
    for (const settle of settlements) settle();
    for (const change of changes) this.feed.publish(change);
  }

  async #insertAll(appended: readonly Appended[]): Promise<void> {
    for (const [table, rows] of Map.groupBy(appended, (each) => each.table))
      await this.#direct.insert(
        table,
        rows.map(({ row }) => row),
      );
  }

  /** One member of a group, behind a savepoint so that its failure is its own. Returns how to settle it. */
  async #runOne(write: PendingWrite, sql: Knex, group: Written, shared: boolean): Promise<() => void> {
    const own: Written = { changes: [], appended: [] };
    const append: Transaction['append'] = async (table, rows) => {
      for (const row of rows) own.appended.push({ table, row });
      // Much is not piled up. What others have added before must not be undone with this one, nor come after it.
      if (own.appended.length >= ROWS_AT_ONCE && group.appended.length === 0)
        await this.#insertAll(own.appended.splice(0));
    };
    const keep = (change: Change): void => this.#kept.take(change);
    const changed = (change: Change): void => {
      own.changes.push(change);
      keep(change);
    };
    try {
      if (shared) await this.#direct.savepoint();
      const value = await write.work({ sql, changed, keep, append, direct: this.#direct });
      if (shared) await this.#direct.release();
      this.#kept.endOne(true);
      group.changes.push(...own.changes);
      group.appended.push(...own.appended);
      return () => write.resolve(value);
    } catch (error) {
      if (!shared) throw error;
      await this.#direct.undo();
      this.#kept.endOne(false);
      return () => write.reject(error);
    }
  }
}

/** Opens the database of a data folder: makes the folder, takes the lock, brings the schema up to date. */
export async function openDatabase(folder: string): Promise<Database> {
  const unlock = lockFolder(folder);
  try {
    return await openFile(join(folder, 'countermand.db'), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** A new database in memory, as its bytes. */
let newborn: Buffer | null = null;

/** A database in memory, for the simulation, which opens thousands: the schema is made once. */
export async function openMemoryDatabase(): Promise<Database> {
  newborn ??= await imageOf(await openFile(':memory:', () => {}));
  return await openFile(newborn, () => {});
}

async function imageOf(database: Database): Promise<Buffer> {
  const connection: BetterSqlite3.Database = await database.read.client.acquireConnection();
  const image = connection.serialize();
  await database.read.client.releaseConnection(connection);
  await database.close();
  return image;
}

/** @param file its path, or the bytes of a database that is then in memory */
async function openFile(file: string | Buffer, unlock: () => void): Promise<Database> {
  const knex = createKnex({
    client: 'better-sqlite3',
    // knex hands on what it is given here; better-sqlite3 takes either.
    connection: { filename: file as string },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, idleTimeoutMillis: 2 ** 31 - 1, afterCreate: prepareConnection },
  });
  try {
    await migrate(knex);
    const connection: BetterSqlite3.Database = await knex.client.acquireConnection();
    keepStatements(connection);
    await knex.client.releaseConnection(connection);
    return new Database(knex, openDirect(connection), unlock);
  } catch (error) {
    await knex.destroy();
    throw error;
  }
}

function prepareConnection(connection: BetterSqlite3.Database, done: (error: unknown) => void): void {
  connection.pragma('journal_mode = WAL');
  // FULL, so that a commit survives the plug: what was promised to a client or told to an agent must be on the disk.
  connection.pragma('synchronous = FULL');
  connection.pragma('foreign_keys = ON');
  // What a savepoint would undo is noted page by page: in memory, as in files it is most of what is written.
  connection.pragma('temp_store = MEMORY');
  // 16 MB: rows are found by random uuids, so that few pages would be in the 2 MB that there are otherwise.
  connection.pragma('cache_size = -16384');
  // Up to 32 MB wait in the log: a large plan then pays for one checkpoint where it would for many.
  connection.pragma('wal_autocheckpoint = 8000');
  done(null);
}

/** Far more than the code has. */
const STATEMENT_LIMIT = 500;

/** knex prepares every statement anew, which takes longer than to run it; so the one connection keeps what it prepared. */
function keepStatements(connection: BetterSqlite3.Database): void {
  const prepare = connection.prepare.bind(connection);
  const kept = new Map<string, BetterSqlite3.Statement>();
  connection.prepare = ((sql: string) => {
    const statement = kept.get(sql) ?? prepare(sql);
    if (kept.size < STATEMENT_LIMIT) kept.set(sql, statement);
    return statement;
  }) as typeof connection.prepare;
}

/**
 * The lock is a transaction that is never committed, on a file of its own: it ends with the process, however that ends,
 * and the database itself can be read beside us.
 */
function lockFolder(folder: string): () => void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const lock = new BetterSqlite3(join(folder, 'conductor.lock'), { timeout: 0 });
    try {
      lock.exec('begin exclusive');
    } catch (error) {
      lock.close();
      throw error;
    }
    return () => lock.close();
  } catch (error) {
    throw explainLock(folder, error as Error & { code?: string });
  }
}

function explainLock(folder: string, error: Error & { code?: string }): Error {
  if (error.code?.startsWith('SQLITE_BUSY')) {
    return fail(
      'DATA_FOLDER_IN_USE',
      `another conductor uses the data folder ${folder}; stop it, or choose another with --data`,
      error,
    );
  }
  return fail(
    'DATA_FOLDER_UNUSABLE',
    `the data folder ${folder} cannot be used: ${error.message}; choose another with --data`,
    error,
  );
}

async function migrate(knex: Knex): Promise<void> {
  if (await knex.schema.hasTable('knex_migrations')) {
    const applied: { name: string }[] = await knex('knex_migrations').select('name').orderBy('id');
    const unknown = applied.find(({ name }) => !MIGRATIONS.some((migration) => migration.name === name));
    if (unknown) {
      throw fail(
        'DATABASE_NEWER',
        `the database has a change ${unknown.name} that this version does not know; run the version that wrote it, or a newer one`,
      );
    }
    // A process that was killed while migrating leaves knex's own lock behind; ours says that nobody else is here.
    await knex.migrate.forceFreeMigrationsLock({ migrationSource });
  }
  await knex.migrate.latest({ migrationSource });
}

const migrationSource: Knex.MigrationSource<(typeof MIGRATIONS)[number]> = {
  getMigrations: async () => [...MIGRATIONS],
  getMigrationName: (migration) => migration.name,
  getMigration: async (migration) => ({ up: migration.up, down: async () => {} }),
};

/**
 * The database, written in groups. `file.ts` opens it. The SQL is portable; SQLite is the embedded default.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { othersFirst } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import { type ColumnValues, type Direct, type DirectWithSavepoint, openDirect } from './direct.ts';
import { type Change, Feed } from './feed.ts';
import { type OpenFile, openFileIn, openFileInMemory } from './file.ts';
import { checkedRows, Kept, keepBehind } from './kept.ts';
import { thisProcess } from './owner.ts';
import { ROWS_AT_ONCE } from './portions.ts';
import { explainSqlite, isStorageError } from './sqlite_errors.ts';
import { insideWrite, refuseInWrite, refuseReadsInWrites } from './writing.ts';

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
  /** A secret was changed or deleted: after the commit the write-ahead log is emptied, so that no copy is left in it. */
  readonly scrub: () => void;
  readonly direct: Direct;
}

/** The tables that are written at the end of a commit. */
type AppendedTable = 'events';

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
  readonly #file: OpenFile;
  #full = false;
  #scrub = false;
  readonly #lost = Promise.withResolvers<CountermandError>();
  #queue: PendingWrite[] = [];
  #draining: Promise<void> | null = null;

  constructor(file: OpenFile, direct: DirectWithSavepoint) {
    this.read = file.knex;
    this.#direct = direct;
    this.#file = file;
    this.#full = file.reserve?.isThere === false;
    keepBehind(
      file.knex,
      checkedRows(this.#kept.committed, () => refuseInWrite(this, 'read')),
    );
    endLeftovers(file.knex);
    refuseReadsInWrites(file.knex, this);
    file.knex.on('query-error', (error: unknown) => this.#noteFailure(explainSqlite(error)));
  }

  /**
   * True while the disk has no room for the reserve. What ends work still finds room; the caller refuses new work. Ask
   * `findRoom` now and then.
   */
  get isFull(): boolean {
    return this.#full;
  }

  /** Resolves with the reason when this process can never write again: the file is damaged, or another process has it. */
  get lost(): Promise<CountermandError> {
    return this.#lost.promise;
  }

  /** Tries to put the reserve back after the disk was full. Resolves with whether there is room. */
  async findRoom(): Promise<boolean> {
    const { reserve } = this.#file;
    if (reserve === null || !this.#full) return true;
    this.#checkpoint();
    this.#full = !reserve.refill();
    return !this.#full;
  }

  /** True while writes wait or run. */
  get busy(): boolean {
    return this.#draining !== null;
  }

  /**
   * Runs `work` in a transaction and resolves with its result after the commit, durable. If `work` throws, its own
   * changes are undone, those of others stand, and the error is passed on. `work` reads and writes by its transaction only.
   * @throws INTERNAL inside of another write, which would wait for itself
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      refuseInWrite(this, 'write');
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#draining ??= this.#drain();
    return done;
  }

  /** Finishes the writes that wait, then closes the file and gives up the lock. */
  async close(): Promise<void> {
    await this.#draining;
    await this.#file.close();
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
    let failure: unknown = null;
    let isOver = false;
    try {
      await this.read.transaction(async (sql) => {
        // knex goes on here even if its BEGIN has failed: each statement would then be a commit of its own.
        if (isOver || !this.#file.connection.inTransaction) throw fail('DATABASE_UNUSABLE', 'no transaction was begun');
        keepBehind(sql, this.#kept.uncommitted);
        try {
          await this.#mustOwn();
          for (const write of group)
            settlements.push(await this.#runOne(write, sql, { changes, appended }, group.length > 1));
          await this.#insertAll(appended);
        } catch (thrown) {
          failure = explainSqlite(thrown);
          throw failure;
        }
      });
      this.#file.afterCommit?.(changes);
    } catch (thrown) {
      // When the disk fails, SQLite has rolled back by itself, and knex complains that there is nothing to roll back.
      isOver = true;
      const error = failure ?? explainSqlite(thrown);
      this.#kept.endGroup(false);
      this.#noteFailure(error);
      for (const write of group) write.reject(error);
      return;
    }
    this.#kept.endGroup(true);
    if (this.#scrub) this.#checkpoint();
    for (const settle of settlements) settle();
    for (const change of changes) this.feed.publish(change);
  }

  /** A conductor that was thought dead may still run: it must not write beside the one that has the database now. */
  async #mustOwn(): Promise<void> {
    const { generation } = this.#file;
    if (generation === 0) return;
    const [owner] = await this.#direct.find('database_owner', { id: 1 });
    if (owner?.generation === generation) return;
    throw fail(
      'DATABASE_TAKEN',
      `another conductor (pid ${owner?.pid}) has opened the database since; nothing was written; this one stops`,
    );
  }

  #noteFailure(error: unknown): void {
    if (!(error instanceof Error && 'code' in error)) return;
    if (error.code === 'DISK_FULL') this.#makeRoom();
    if (error.code === 'DATABASE_DAMAGED' || error.code === 'DATABASE_TAKEN')
      this.#lost.resolve(error as CountermandError);
  }

  /** The reserve goes, so that what is under way can be ended and the write-ahead log be emptied. */
  #makeRoom(): void {
    this.#full = true;
    this.#file.reserve?.release();
    this.#checkpoint();
  }

  /** Writes the log back to the file and empties it. A reader beside us may hold it up: then the next one does it. */
  #checkpoint(): void {
    try {
      const [{ busy }] = this.#file.connection.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }];
      if (busy === 0) this.#scrub = false;
    } catch (thrown) {
      const error = explainSqlite(thrown);
      if (!isStorageError(error)) throw error;
    }
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
    const scrub = (): void => {
      this.#scrub = true;
    };
    const changed = (change: Change): void => {
      own.changes.push(change);
      keep(change);
    };
    try {
      if (shared) await this.#direct.savepoint();
      const transaction = { sql, changed, keep, append, scrub, direct: this.#direct };
      const value = await insideWrite(this, () => write.work(transaction));
      if (shared) await this.#direct.release();
      this.#kept.endOne(true);
      group.changes.push(...own.changes);
      group.appended.push(...own.appended);
      return () => write.resolve(value);
    } catch (thrown) {
      const error = explainSqlite(thrown);
      // When the disk fails, SQLite undoes the whole transaction, savepoints included.
      if (!shared || isStorageError(error)) throw error;
      await this.#direct.undo();
      this.#kept.endOne(false);
      return () => write.reject(error);
    }
  }
}

/**
 * Opens the database of a data folder: makes the folder, takes the lock, checks the file, brings the schema up to date.
 * @param reserveBytes how much room is kept in reserve for the time when the disk is full
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_DAMAGED, DATABASE_NEWER, DATABASE_UNUSABLE, DISK_FULL
 */
export async function openDatabase(folder: string, reserveBytes?: number): Promise<Database> {
  return databaseOver(await openFileIn(folder, thisProcess(), reserveBytes));
}

/** A database in memory, for the simulation, which opens thousands. */
export async function openMemoryDatabase(): Promise<Database> {
  return databaseOver(await openFileInMemory());
}

/** A database over a file that is open, and what its connection does. */
export function databaseOver(file: OpenFile): Database {
  keepStatements(file.connection);
  return new Database(file, openDirect(file.connection));
}

/**
 * A transaction whose COMMIT and ROLLBACK both failed is still open when its connection is given back. Whoever is given it
 * next must neither read what was not committed nor fail to begin.
 */
function endLeftovers({ client }: Knex): void {
  const acquire = client.acquireConnection.bind(client);
  client.acquireConnection = async (): Promise<BetterSqlite3.Database> => {
    const connection = await acquire();
    try {
      if (connection.inTransaction) connection.exec('rollback');
      return connection;
    } catch (error) {
      await client.releaseConnection(connection);
      throw error;
    }
  };
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

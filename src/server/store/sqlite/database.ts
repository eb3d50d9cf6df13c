/** The database in SQLite: one connection, written in groups. `file.ts` opens it. */
import type BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { othersFirst } from '../../../core/clock.ts';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { abortable } from '../../../core/signals.ts';
import type { AppendedTable, ColumnValues, Database, Transaction } from '../database.ts';
import { isStorageError } from '../failures.ts';
import { type Change, Feed } from '../feed.ts';
import { keepBehind } from '../kept.ts';
import { ROWS_AT_ONCE } from '../portions.ts';
import { insideWrite, refuseInWrite, refuseReadsInWrites } from '../writing.ts';
import { type DirectWithSavepoint, openDirect } from './direct.ts';
import { explainSqlite } from './errors.ts';
import { type OpenFile, openFileIn, openFileInMemory } from './file.ts';
import { checkedRows, Kept } from './kept.ts';
import { thisProcess } from './owner.ts';
import { keepStatements } from './statements.ts';

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

/** How a database behaves in tests. */
export interface SqliteOptions {
  /** Runs every callback, undoes what it wrote, and runs it again: nothing else may differ. */
  readonly everyWriteTwice?: boolean;
}

/** At most this many writes share one commit: enough to pay for the disk, few enough to keep the wait short. */
const GROUP_LIMIT = 256;

/** One open file. Writes run one after the other; those that wait together are committed together. */
class SqliteDatabase implements Database {
  readonly read: Knex;
  readonly feed = new Feed();
  readonly #kept = new Kept();
  readonly #direct: DirectWithSavepoint;
  readonly #file: OpenFile;
  readonly #everyWriteTwice: boolean;
  #full = false;
  readonly #whenFull = new Set<() => void>();
  #scrub = false;
  readonly #lost = Promise.withResolvers<CountermandError>();
  #queue: PendingWrite[] = [];
  #draining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(file: OpenFile, direct: DirectWithSavepoint, { everyWriteTwice = false }: SqliteOptions) {
    this.read = file.knex;
    this.#everyWriteTwice = everyWriteTwice;
    this.#direct = direct;
    this.#file = file;
    this.#full = file.reserve?.isThere === false;
    keepBehind(
      file.knex,
      checkedRows(this.#kept.committed, () => refuseInWrite(this, 'read')),
    );
    endLeftovers(file.knex);
    explainErrors(file.knex);
    refuseReadsInWrites(file.knex, this);
    file.knex.on('query-error', (error: unknown) => this.#noteFailure(explainSqlite(error)));
  }

  get isFull(): boolean {
    return this.#full;
  }

  untilFull(signal: AbortSignal): Promise<void> {
    return abortable<void>((resolve) => {
      if (this.#full) resolve();
      else this.#whenFull.add(resolve);
      return () => this.#whenFull.delete(resolve);
    }, signal);
  }

  get lost(): Promise<CountermandError> {
    return this.#lost.promise;
  }

  async findRoom(signal: AbortSignal): Promise<boolean> {
    const { reserve } = this.#file;
    if (reserve === null || !this.#full) return true;
    this.#checkpoint();
    await reserve.refill(signal);
    // It may have been released since.
    this.#full = !reserve.isThere;
    return !this.#full;
  }

  get busy(): boolean {
    return this.#draining !== null;
  }

  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      refuseInWrite(this, 'write');
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#draining ??= this.#drain();
    return done;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
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

  /** SQLite answers synchronously. Without this pause each write would get a commit of its own. */
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
    for (const resolve of this.#whenFull) resolve();
    this.#whenFull.clear();
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
    try {
      if (this.#everyWriteTwice) await this.#rehearse(write, sql, group);
      if (shared) await this.#direct.savepoint();
      const transaction = this.#transactionOf(sql, own, group);
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

  #transactionOf(sql: Knex, own: Written, group: Written): Transaction {
    const keep = (change: Change): void => this.#kept.take(change);
    return {
      sql,
      direct: this.#direct,
      keep,
      changed: (change) => {
        own.changes.push(change);
        keep(change);
      },
      append: async (table, rows) => {
        for (const row of rows) own.appended.push({ table, row });
        // Much is not piled up. What others have added before must not be undone with this one, nor come after it.
        if (own.appended.length >= ROWS_AT_ONCE && group.appended.length === 0)
          await this.#insertAll(own.appended.splice(0));
      },
      scrub: () => {
        this.#scrub = true;
      },
    };
  }

  /** Runs a callback and undoes what it wrote. Its error is dropped: the run that follows counts. */
  async #rehearse(write: PendingWrite, sql: Knex, group: Written): Promise<void> {
    const transaction = this.#transactionOf(sql, { changes: [], appended: [] }, group);
    await this.#direct.savepoint();
    try {
      await insideWrite(this, () => write.work(transaction));
    } catch (thrown) {
      const error = explainSqlite(thrown);
      if (isStorageError(error)) throw error;
    }
    await this.#direct.undo();
    this.#kept.endOne(false);
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

/** A database in memory, for tests. */
export async function openMemoryDatabase(): Promise<Database> {
  return databaseOver(await openFileInMemory());
}

/** A database over a file that is open, and what its connection does. */
export function databaseOver(file: OpenFile, options: SqliteOptions = {}): Database {
  keepStatements(file.connection);
  return new SqliteDatabase(file, openDirect(file.connection), options);
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

/** What a read rejects with is an error that `Database` names. What a transaction rejects with is translated at its end. */
function explainErrors({ client }: Knex): void {
  const query = client.query.bind(client);
  client.query = async (connection: unknown, asked: unknown): Promise<unknown> => {
    try {
      return await query(connection, asked);
    } catch (thrown) {
      throw explainSqlite(thrown);
    }
  };
}

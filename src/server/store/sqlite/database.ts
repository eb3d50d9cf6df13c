/** The database in SQLite: one connection, written in groups. `file.ts` opens it. */
import type { Knex } from 'knex';
import { type CountermandError, fail } from '../../../core/errors.ts';
import type { Database, Transaction } from '../database.ts';
import { isStorageError } from '../failures.ts';
import { Feed } from '../feed.ts';
import { Fullness } from '../fullness.ts';
import {
  type DirectWithSavepoint,
  type GroupParts,
  type GroupResult,
  type PendingWrite,
  runGroup,
  type WriteOptions,
  WriteQueue,
} from '../groups.ts';
import { keepBehind } from '../kept.ts';
import { checkedRows, Kept } from '../kept_rows.ts';
import { thisProcess } from '../own_process.ts';
import { type Sealer, type SealingKeys, sealBehind } from '../sealing.ts';
import { refuseInWrite, refuseReadsInWrites } from '../writing.ts';
import { openDirect } from './direct.ts';
import { DISK, explainSqlite } from './errors.ts';
import { forgetPlain, type OpenFile, openFileIn, openFileInMemory } from './file.ts';
import { keepStatements } from './statements.ts';
import { runStraight, Transactions } from './straight.ts';

/** How a database is used beside its file. */
interface SqliteOptions extends WriteOptions {
  /** Without it, rows are written plain, and those that are sealed do not open. */
  readonly sealer?: Sealer | null;
}

/** One open file. Writes run one after the other; those that wait together are committed together. */
class SqliteDatabase implements Database {
  readonly read: Knex;
  readonly feed = new Feed();
  readonly disk = DISK;
  readonly #kept = new Kept();
  readonly #direct: DirectWithSavepoint;
  readonly #file: OpenFile;
  readonly #transactions: Transactions;
  readonly #options: SqliteOptions;
  readonly #fullness: Fullness;
  #scrub = false;
  readonly #lost = Promise.withResolvers<CountermandError>();
  readonly #queue = new WriteQueue(this, (group) => this.#commit(group));
  #closing: Promise<void> | null = null;

  constructor(file: OpenFile, direct: DirectWithSavepoint, options: SqliteOptions) {
    this.read = file.knex;
    this.#options = options;
    this.#direct = direct;
    this.#file = file;
    this.#fullness = new Fullness(file.reserve?.isThere === false);
    keepBehind(
      file.knex,
      checkedRows(this.#kept.committed, () => refuseInWrite(this, 'read')),
    );
    sealBehind(file.knex, options.sealer ?? null);
    runStraight(file.knex);
    this.#transactions = new Transactions(file.knex, file.connection);
    refuseReadsInWrites(file.knex, this);
    file.knex.on('query-error', (error: unknown) => this.#noteFailure(explainSqlite(error)));
  }

  get isFull(): boolean {
    return this.#fullness.isFull;
  }

  untilFull(signal: AbortSignal): Promise<void> {
    return this.#fullness.until(signal);
  }

  get lost(): Promise<CountermandError> {
    return this.#lost.promise;
  }

  async findRoom(signal: AbortSignal): Promise<boolean> {
    const { reserve } = this.#file;
    if (reserve === null || !this.#fullness.isFull) return true;
    this.#checkpoint();
    await reserve.refill(signal);
    // It may have been released since.
    this.#fullness.set(!reserve.isThere);
    return reserve.isThere;
  }

  /** Pages that wait in the log are counted once. */
  async bytes(): Promise<number> {
    try {
      const [pages, size] = ['page_count', 'page_size'].map((name) =>
        Number(this.#file.connection.pragma(name, { simple: true })),
      );
      return Number(pages) * Number(size);
    } catch (thrown) {
      throw explainSqlite(thrown);
    }
  }

  get busy(): boolean {
    return this.#queue.busy;
  }

  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#queue.add(work);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.idle();
    await this.#file.close();
  }

  async #commit(group: readonly PendingWrite[]): Promise<void> {
    let result: GroupResult;
    try {
      result = await this.#transactions.run(async (sql) => {
        keepBehind(sql, this.#kept.uncommitted);
        sealBehind(sql, this.#options.sealer ?? null);
        await this.#mustOwn();
        return runGroup(group, this.#partsOf(sql));
      });
      const isAnswered = this.#file.afterCommit?.(result.changes);
      if (isAnswered) await isAnswered;
    } catch (thrown) {
      const error = explainSqlite(thrown);
      this.#kept.endGroup(false);
      this.#noteFailure(error);
      for (const write of group) write.reject(error);
      return;
    }
    this.#afterCommit(result);
  }

  #partsOf(sql: Knex): GroupParts {
    return { database: this, sql, direct: this.#direct, kept: this.#kept, explain: explainSqlite, ...this.#options };
  }

  #afterCommit({ changes, scrub, settle }: GroupResult): void {
    this.#kept.endGroup(true);
    this.#scrub ||= scrub;
    if (this.#scrub) this.#checkpoint();
    settle();
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
    this.#fullness.set(true);
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
}

/**
 * Opens the database of a data folder: makes the folder, takes the lock, checks the file, brings the schema up to date.
 * @param reserveBytes how much room is kept in reserve for the time when the disk is full
 * @param keys with which driver_info is sealed; without them it is written plain
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_DAMAGED, DATABASE_NEWER, DATABASE_UNUSABLE, DISK_FULL,
 *   SECRETS_KEY_WRONG
 */
export async function openDatabase(folder: string, reserveBytes?: number, keys?: SealingKeys): Promise<Database> {
  return (await openDatabaseFile(folder, reserveBytes, keys)).database;
}

/** As `openDatabase`, and what is done with the file as a whole. */
export async function openDatabaseFile(
  folder: string,
  reserveBytes?: number,
  keys?: SealingKeys,
): Promise<{ readonly database: Database; readonly forgetPlain: () => void }> {
  const file = await openFileIn(folder, thisProcess(), reserveBytes, keys);
  try {
    const database = databaseOver(file, { sealer: keys?.sealer() ?? null });
    return { database, forgetPlain: () => forgetPlain(file.connection) };
  } catch (error) {
    await file.close();
    throw error;
  }
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

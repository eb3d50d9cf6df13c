/**
 * The database as the rooms of the conductor know it. `sqlite/` and `postgres/` implement it; the suite in test/contract says what
 * any implementation must do. Rows and queries beside this file use the portable query builder only.
 */
import type { Knex } from 'knex';
import type { CountermandError } from '../../core/errors.ts';
import type { Actor } from './actor.ts';
import type { Change, Feed } from './feed.ts';

/** Values by the names of columns, as a codec encodes them: text, null, and whole numbers up to 2^53. */
export type ColumnValues = Readonly<Record<string, unknown>>;

/** Simple statements about few rows. They run often, so an implementation may bypass the query builder for them. */
export interface Direct {
  /**
   * Adds rows, all with the same columns, in this order. An implementation may resolve before that is done, and run the work of the write
   * again if it fails.
   */
  insert(table: string, rows: readonly ColumnValues[]): Promise<void>;
  /**
   * Writes new values where the columns of `where` have these values, or are null. Resolves with the number of rows.
   * @param expected how many rows there will be, from a caller that knows: an implementation may then resolve before the statement is done.
   *   If the result is another number, the work of the write is run again
   */
  update(table: string, values: ColumnValues, where: ColumnValues, expected?: number): Promise<number>;
  /** The rows with these values; a list stands for any of its values, and must not be long. */
  find(table: string, where: ColumnValues): Promise<Record<string, unknown>[]>;
}

/** The tables whose rows are written at the end of a commit. */
export type AppendedTable = 'events' | 'trail';

/** What the callback of a write works with. Nothing of it may be used after the callback has settled. */
export interface Transaction {
  /** Reads what the transaction has written so far; what it writes is undone with the transaction. */
  readonly sql: Knex;
  /**
   * Tells the feed what was written, after the commit and only then. The implementation may keep the row for later reads, so
   * every write of a node, power task, driver, plan or action reports it here or to `keep`.
   */
  readonly changed: (change: Change) => void;
  /** As `changed`, but the feed is not told. */
  readonly keep: (change: Change) => void;
  /**
   * Adds rows to a table that only grows. They are numbered in the order of the commits, and those of one write in the order
   * of the calls; a number may be left out. They may be written as late as the commit: a read in the same transaction need not see them.
   */
  readonly append: (table: AppendedTable, rows: readonly ColumnValues[]) => Promise<void>;
  /**
   * A secret was changed or deleted: after the commit, no copy of it may be left in files that are the implementation's own. A
   * database server keeps its files as it likes.
   */
  readonly scrub: () => void;
  readonly direct: Direct;
  /** Who called for what is written; null if the conductor does it by itself. */
  readonly actor: Actor | null;
}

/** The rows of all tables, and the only way to change them. One process has it open at a time. */
export interface Database {
  /**
   * Reads committed rows. Whole numbers up to 2^53 are numbers, and text is ordered by code point.
   * @throws INTERNAL when used inside a write of the same database: a write reads by its transaction
   */
  readonly read: Knex;
  /** Tells the watchers in this process what was committed. */
  readonly feed: Feed;
  /** True while writes wait or run. */
  readonly busy: boolean;
  /** True while the storage has no room. What ends work still finds room; the caller refuses new work. */
  readonly isFull: boolean;
  /** What `isFull` is about, in the words of an operator: "the disk of the data folder". It tells no address. */
  readonly disk: string;
  /** Resolves when the storage has no room, at once if it has none. An abort rejects with its reason. */
  untilFull(signal: AbortSignal): Promise<void>;
  /** Looks again whether there is room after `isFull`. Resolves with whether there is. An abort rejects with its reason. */
  findRoom(signal: AbortSignal): Promise<boolean>;
  /** How large it is on its disk, in bytes. @throws DATABASE_UNUSABLE, DATABASE_DAMAGED */
  bytes(): Promise<number>;
  /** Resolves with the reason when nothing can be written by it any more: DATABASE_DAMAGED, DATABASE_TAKEN or LEADERSHIP_LOST. */
  readonly lost: Promise<CountermandError>;
  /**
   * Runs `work` in a transaction and resolves with its result after the commit, durable. If `work` throws, its own changes are
   * undone, those of other writes stand, and the error is passed on. Writes are isolated: the result is that of some order of
   * the writes, one after the other.
   *
   * `work` may run more than once, and only its last run counts. So it has no effect outside the transaction: it changes no
   * variable, takes nothing from a queue and calls nothing outside. What follows from it is done with its result. It passes on
   * errors of the database: a transaction need not go on after one.
   * @throws INTERNAL inside another write; DISK_FULL, DATABASE_UNUSABLE, DATABASE_DAMAGED, DATABASE_TAKEN or LEADERSHIP_LOST, and then nothing
   *   was written, unless the process loses the database or is closed while the answer to its commit is missing; UniqueViolation
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Finishes the writes that wait, then closes the database and lets other processes have it. May be called again. */
  close(): Promise<void>;
}

/** A row was refused because another one has a value that is unique. Nothing of its write was kept. */
export class UniqueViolation extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

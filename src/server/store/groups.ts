/**
 * Writes that wait together share a commit: what every implementation of `Database` does alike. Each write of a group stands or
 * falls alone, behind a savepoint.
 */
import type { Knex } from 'knex';
import { othersFirst } from '../../core/clock.ts';
import type { AppendedTable, ColumnValues, Direct, Transaction } from './database.ts';
import { isStorageError } from './failures.ts';
import type { Change } from './feed.ts';
import type { Kept } from './kept_rows.ts';
import { ROWS_AT_ONCE } from './portions.ts';
import { chained } from './trail.ts';
import { insideWrite, refuseInWrite } from './writing.ts';

/** At most this many writes share one commit: enough to pay for the disk, few enough to keep the wait short. */
const GROUP_LIMIT = 256;

/** How a database behaves in tests. */
export interface WriteOptions {
  /** Runs every callback, undoes what it wrote, and runs it again: nothing else may differ. */
  readonly everyWriteTwice?: boolean;
}

/** A write that waits for its commit. */
export interface PendingWrite {
  readonly work: (transaction: Transaction) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The writes of one database: they wait in a queue, and are committed in groups, one group after the other. */
export class WriteQueue {
  readonly #database: object;
  readonly #commit: (group: readonly PendingWrite[]) => Promise<void>;
  #waiting: PendingWrite[] = [];
  #draining: Promise<void> | null = null;

  /** @param commit settles every write of a group, and never rejects */
  constructor(database: object, commit: (group: readonly PendingWrite[]) => Promise<void>) {
    this.#database = database;
    this.#commit = commit;
  }

  /** True while writes wait or run. */
  get busy(): boolean {
    return this.#draining !== null;
  }

  /** Adds a write. @throws INTERNAL inside another write of the same database */
  add<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      refuseInWrite(this.#database, 'write');
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#draining ??= this.#drain();
    return done;
  }

  /** Rejects every write that still waits. */
  rejectWaiting(error: unknown): void {
    for (const write of this.#waiting.splice(0)) write.reject(error);
  }

  /** Resolves when no write waits or runs. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#untilNoneComes();
      await this.#commit(this.#waiting.splice(0, GROUP_LIMIT));
    }
    this.#draining = null;
  }

  /** A database in this process answers synchronously. Without this pause each write would get a commit of its own. */
  async #untilNoneComes(): Promise<void> {
    let before: number;
    do {
      before = this.#waiting.length;
      await othersFirst();
    } while (this.#waiting.length > before && before < GROUP_LIMIT);
  }
}

/** Direct statements, with the savepoint of the member of a group whose turn it is. */
export interface DirectWithSavepoint extends Direct {
  savepoint(): Promise<void>;
  release(): Promise<void>;
  /** Undoes what was written since the savepoint, and releases it. */
  undo(): Promise<void>;
}

/** A statement that nothing waited for had another result than expected: its group is undone, and run again. */
export class Unforeseen extends Error {
  constructor(options?: ErrorOptions) {
    super('a statement that was sent ahead had another result than expected', options);
  }
}

/** True if the whole transaction is undone, savepoints included. */
const endsGroup = (error: unknown): boolean => isStorageError(error) || error instanceof Unforeseen;

/** What a group is run with. */
export interface GroupParts extends WriteOptions {
  /** The database whose writes these are. */
  readonly database: object;
  /** The transaction that is open. */
  readonly sql: Knex;
  readonly direct: DirectWithSavepoint;
  readonly kept: Kept;
  /** Translates an error of the engine into one that `Database` names. */
  readonly explain: (thrown: unknown) => unknown;
}

/** What a group leaves for the time after its commit. */
export interface GroupResult {
  readonly changes: readonly Change[];
  /** A secret was changed or deleted. */
  readonly scrub: boolean;
  /** Settles the promises of the writes. */
  settle(): void;
}

interface Appended {
  readonly table: AppendedTable;
  readonly row: ColumnValues;
}

/** What a write, or a group of them, leaves for the end of the commit. */
interface Written {
  readonly changes: Change[];
  readonly appended: Appended[];
  scrub: boolean;
}

const nothingWritten = (): Written => ({ changes: [], appended: [], scrub: false });

/**
 * Runs the callbacks of a group in its transaction, one after the other, and writes what they append. The caller commits.
 * @throws the error of the only write, or the error of the storage: then the caller undoes the transaction and rejects all
 */
export async function runGroup(group: readonly PendingWrite[], parts: GroupParts): Promise<GroupResult> {
  const written = nothingWritten();
  const settlements: (() => void)[] = [];
  for (const write of group) settlements.push(await runOne(write, written, group.length > 1, parts));
  await insertAll(written.appended, parts);
  return {
    changes: written.changes,
    scrub: written.scrub,
    settle: () => {
      for (const settle of settlements) settle();
    },
  };
}

/** One member of a group, behind a savepoint so that its failure is its own. Returns how to settle it. */
async function runOne(write: PendingWrite, group: Written, shared: boolean, parts: GroupParts): Promise<() => void> {
  const { database, direct, kept, explain } = parts;
  const own = nothingWritten();
  try {
    if (parts.everyWriteTwice) await rehearse(write, group, parts);
    if (shared) await direct.savepoint();
    const transaction = transactionOf(own, group, parts);
    const value = await insideWrite(database, () => write.work(transaction));
    if (shared) await direct.release();
    kept.endOne(true);
    group.changes.push(...own.changes);
    group.appended.push(...own.appended);
    group.scrub ||= own.scrub;
    return () => write.resolve(value);
  } catch (thrown) {
    const error = explain(thrown);
    if (!shared || endsGroup(error)) throw error;
    await direct.undo();
    kept.endOne(false);
    return () => write.reject(error);
  }
}

/** Runs a callback and undoes what it wrote. Its error is dropped: the run that follows counts. */
async function rehearse(write: PendingWrite, group: Written, parts: GroupParts): Promise<void> {
  const { database, direct, kept, explain } = parts;
  const transaction = transactionOf(nothingWritten(), group, parts);
  await direct.savepoint();
  try {
    await insideWrite(database, () => write.work(transaction));
  } catch (thrown) {
    const error = explain(thrown);
    if (endsGroup(error)) throw error;
  }
  await direct.undo();
  kept.endOne(false);
}

function transactionOf(own: Written, group: Written, { sql, direct, kept }: GroupParts): Transaction {
  const keep = (change: Change): void => kept.take(change);
  return {
    sql,
    direct,
    keep,
    actor: null,
    changed: (change) => {
      own.changes.push(change);
      keep(change);
    },
    append: async (table, rows) => {
      for (const row of rows) own.appended.push({ table, row });
      // Much is not piled up. What others have added before must not be undone with this one, nor come after it.
      if (own.appended.length >= ROWS_AT_ONCE && group.appended.length === 0)
        await insertAll(own.appended.splice(0), { direct, sql });
    },
    scrub: () => {
      own.scrub = true;
    },
  };
}

async function insertAll(
  appended: readonly Appended[],
  { direct, sql }: Pick<GroupParts, 'direct' | 'sql'>,
): Promise<void> {
  for (const [table, all] of Map.groupBy(appended, (each) => each.table)) {
    const rows = all.map(({ row }) => row);
    await direct.insert(table, table === 'trail' ? await chained(rows, sql) : rows);
  }
}

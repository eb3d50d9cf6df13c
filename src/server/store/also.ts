/** What is written with a change, in its transaction: neither stands without the other. */
import type { Actor } from './actor.ts';
import type { Database, Transaction } from './database.ts';
import type { ActionPlanRow, AuditRow } from './plan_rows.ts';
import type { NodeRow, PowerTaskRow } from './rows.ts';
import type { Store } from './store.ts';

/** What a change was about. */
export interface Touched {
  /** As it was; absent if it was not there, or is not changed. */
  readonly before?: NodeRow;
  /** As it is; absent if it is there no more, or is not changed. */
  readonly after?: NodeRow;
  readonly task?: Pick<PowerTaskRow, 'uuid' | 'nodeName' | 'nodeUuid'>;
  readonly plan?: Pick<ActionPlanRow, 'uuid' | 'name' | 'state'>;
  readonly audit?: Pick<AuditRow, 'uuid' | 'name' | 'state'>;
  readonly template?: string;
  readonly token?: string;
  readonly sink?: string;
  /** What the level of the log was before. */
  readonly logLevel?: string;
}

/** Who writes with a change. */
export interface Also {
  /** Who called for the change. */
  readonly actor: Actor;
  /** Called in the transaction of the change, after it. It may be called again if the transaction is run again. */
  note(transaction: Transaction, touched: Touched): Promise<void>;
  /** Called when the transaction is durable. @param noted true if its last run has noted a change: an earlier run does not count */
  done(noted: boolean): void;
}

/** The same transaction, in which it is known who called. */
export const actingFor = (transaction: Transaction, also: Also | undefined): Transaction =>
  also === undefined
    ? transaction
    : {
        ...transaction,
        actor: also.actor,
        changed: (change) => transaction.changed({ ...change, by: also.actor }),
      };

/**
 * Runs a write, and what is written with it.
 * @param touched what the result of the work says was touched; null if nothing was changed
 */
export async function writeAlso<T>(
  database: Database,
  also: Also | undefined,
  touched: (result: T) => Touched | null,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  if (also === undefined) return database.write(work);
  const { result, noted } = await database.write(async (own) => {
    const transaction = actingFor(own, also);
    const worked = await work(transaction);
    const what = touched(worked);
    if (what !== null) await also.note(transaction, what);
    return { result: worked, noted: what !== null };
  });
  also.done(noted);
  return result;
}

/** The same store, whose every write is written with what is noted of it. */
export function storeAlso(store: Store, also: Also, touched: (result: unknown) => Touched | null): Store {
  const { database } = store;
  const noting: Database = {
    read: database.read,
    feed: database.feed,
    lost: database.lost,
    disk: database.disk,
    get busy() {
      return database.busy;
    },
    get isFull() {
      return database.isFull;
    },
    untilFull: (signal) => database.untilFull(signal),
    findRoom: (signal) => database.findRoom(signal),
    bytes: () => database.bytes(),
    write: (work) => writeAlso(database, also, touched, work),
    close: () => database.close(),
  };
  return { ...store, database: noting };
}

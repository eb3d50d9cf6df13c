/** How long writes take, with all that they wait for. */
import type { Clock } from '../../core/clock.ts';
import type { Database, Transaction } from '../store/database.ts';
import type { Change } from '../store/feed.ts';
import type { MetricRegistry } from './registry.ts';

/** The same database, whose writes are timed. */
export function timed(database: Database, registry: MetricRegistry, clock: Clock): Database {
  return {
    get read() {
      return database.read;
    },
    get feed() {
      return database.feed;
    },
    get busy() {
      return database.busy;
    },
    get isFull() {
      return database.isFull;
    },
    get disk() {
      return database.disk;
    },
    get lost() {
      return database.lost;
    },
    untilFull: (signal) => database.untilFull(signal),
    findRoom: (signal) => database.findRoom(signal),
    bytes: () => database.bytes(),
    close: () => database.close(),
    async write(work) {
      const began = clock.monotonic();
      const observe = (kind: Change['kind'] | 'other'): void =>
        registry.observe('countermand_database_seconds', { kind }, (clock.monotonic() - began) / 1000);
      try {
        const { result, kind } = await database.write((transaction) => withKind(work, transaction));
        observe(kind);
        return result;
      } catch (error) {
        // Nothing was changed, whatever it was about.
        observe('other');
        throw error;
      }
    },
  };
}

/** Runs the work of a write. Its kind is that of the first change that it tells of; it may be run again, and tell of another. */
async function withKind<T>(work: (transaction: Transaction) => Promise<T>, transaction: Transaction) {
  let kind: Change['kind'] | 'other' = 'other';
  const noting: Transaction = {
    ...transaction,
    changed(change) {
      if (kind === 'other') kind = change.kind;
      transaction.changed(change);
    },
  };
  const result = await work(noting);
  return { result, kind };
}

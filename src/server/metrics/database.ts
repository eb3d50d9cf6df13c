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
      let kind: Change['kind'] | 'other' = 'other';
      const noting = (transaction: Transaction): Transaction => ({
        ...transaction,
        changed(change) {
          if (kind === 'other') kind = change.kind;
          transaction.changed(change);
        },
      });
      try {
        return await database.write((transaction) => work(noting(transaction)));
      } finally {
        registry.observe('countermand_database_seconds', { kind }, (clock.monotonic() - began) / 1000);
      }
    },
  };
}

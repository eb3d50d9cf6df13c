/** A conductor of the in-memory world whose readings of one table wait, so that something else happens in between. */
import type { Knex } from 'knex';
import type { PlanParts } from '../../src/server/plans/parts.ts';
import type { World } from '../world/world.ts';

/** A knex whose queries of a table are sent when a promise has resolved. */
function waitingAt(table: string, until: Promise<void>, read: Knex): Knex {
  const waiting = (query: Knex.QueryBuilder): Knex.QueryBuilder =>
    new Proxy(query, {
      get(target, key, self) {
        const value = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        if (key === 'then') return (...on: []) => until.then(() => value.apply(target, on));
        return (...given: unknown[]) => {
          const answer = value.apply(target, given);
          return answer === target ? self : answer;
        };
      },
    });
  return new Proxy(read, {
    apply(target, self, given: [string]) {
      const query = Reflect.apply(target, self, given);
      return given[0] === table ? waiting(query) : query;
    },
  });
}

/** The parts of a conductor whose readings of a table wait; those of transactions do not. */
export function partsWaiting({ conductor }: World, table: string, until: Promise<void>): PlanParts {
  const { orders } = conductor;
  const { database } = orders.store;
  const read = waitingAt(table, until, database.read);
  const slow = Object.assign(Object.create(database), { read, write: database.write.bind(database) });
  return { ...conductor, orders: { ...orders, store: { ...orders.store, database: slow } } };
}

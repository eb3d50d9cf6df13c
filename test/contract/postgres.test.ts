/** The contract of `Database`, held by PostgreSQL, also with every callback run twice. */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Database } from '../../src/server/store/database.ts';
import type { WriteOptions } from '../../src/server/store/groups.ts';
import { readPostgresUrl } from '../../src/server/store/postgres/address.ts';
import { openPostgres } from '../../src/server/store/postgres/database.ts';
import { type DatabaseProxy, newDatabaseProxy } from '../counterparts/database_proxy.ts';
import { sharedPostgres } from '../counterparts/postgres.ts';
import { databaseContract, type Stored } from './database.ts';

const postgres = sharedPostgres();

/** A process reaches the server through a proxy of its own. When it dies, its connections end, and there are no others. */
function inPostgres(options: WriteOptions): (t: ExecutionContext) => Promise<Stored> {
  return async (t) => {
    const server = await postgres();
    const name = await server.newMigrated(t);
    const proxies = new Map<Database, DatabaseProxy>();
    const open = async (): Promise<Database> => {
      const proxy = await newDatabaseProxy(t, server);
      const self = { host: `host${proxies.size}`, pid: 1, startedAt: '1', startOf: () => null };
      const address = readPostgresUrl(server.urlOf(name, proxy), null);
      const database = await openPostgres(address, { clock: systemClock, self, ...options });
      proxies.set(database, proxy);
      t.teardown(() => database.close());
      return database;
    };
    const crash = async (database: Database): Promise<void> => proxies.get(database)?.cut();
    const takeOver = async (): Promise<Database> => {
      const before = [...proxies.values()];
      for (const proxy of before) proxy.cut();
      const database = await open();
      for (const proxy of before) proxy.restore();
      return database;
    };
    return { open, crash, takeOver };
  };
}

databaseContract('in PostgreSQL', inPostgres({}));
databaseContract('in PostgreSQL, every callback twice', inPostgres({ everyWriteTwice: true }));

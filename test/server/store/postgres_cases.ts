/** A database in PostgreSQL behind a proxy, and writes to it, for the tests of what PostgreSQL does beyond the contract. */
import type { ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import type { CountermandError, ErrorCode } from '../../../src/core/errors.ts';
import type { Database, Transaction } from '../../../src/server/store/database.ts';
import { readPostgresUrl } from '../../../src/server/store/postgres/address.ts';
import { openPostgres } from '../../../src/server/store/postgres/database.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';
import { appendEvents, insert } from '../../contract/writes.ts';
import { type DatabaseProxy, newDatabaseProxy } from '../../counterparts/database_proxy.ts';
import type { PostgresServer } from '../../counterparts/postgres.ts';
import { nodeRow } from '../rows.ts';

/** A conductor's database, and the proxy through which the conductor reaches it. */
interface Opened {
  readonly server: PostgresServer;
  readonly proxy: DatabaseProxy;
  readonly database: Database;
}

/** How a database is opened beside the usual. */
interface How {
  readonly clock?: Clock;
  /** Who connects: a superuser unless told. */
  readonly user?: string;
  readonly password?: string;
}

/** Opens databases of a server, each as another process would; they are closed after the test. */
export function casesOf(postgres: () => Promise<PostgresServer>) {
  let processes = 0;
  const open = async (t: ExecutionContext, name: string, how: How = {}): Promise<Opened> => {
    const server = await postgres();
    const proxy = await newDatabaseProxy(t, server);
    processes += 1;
    const self = { host: `host${processes} boot`, pid: processes, startedAt: '1', startOf: () => null };
    const { clock = systemClock, password = null, ...user } = how;
    const address = readPostgresUrl(server.urlOf(name, { host: proxy.host, port: proxy.port, ...user }), password);
    const database = await openPostgres(address, { clock, self });
    t.teardown(() => database.close());
    return { server, proxy, database };
  };
  return {
    open,
    /** As `open`, a database that is new. */
    async openNew(t: ExecutionContext, how: How = {}): Promise<Opened & { readonly name: string }> {
      const name = await (await postgres()).newMigrated(t);
      return { name, ...(await open(t, name, how)) };
    },
  };
}

/** Ends all sessions with a database. */
export const endSessions = (server: PostgresServer, name: string): Promise<unknown> =>
  server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);

/** The code by which something fails. */
export const codeOf = (promise: PromiseLike<unknown>): Promise<ErrorCode | 'fulfilled'> =>
  Promise.resolve(promise).then(
    () => 'fulfilled' as const,
    (error: CountermandError) => error.code,
  );

/** A write of a node and of an event, whose runs are counted. `then` is called in the transaction with the number of the run. */
export function counted(
  name: string,
  then: (transaction: Transaction, run: number) => Promise<void> = async () => {},
): { readonly seen: { runs: number }; readonly work: (transaction: Transaction) => Promise<NodeRow> } {
  const seen = { runs: 0 };
  const work = insert(nodeRow({ name }), async (transaction) => {
    seen.runs += 1;
    await appendEvents([name], transaction);
    await then(transaction, seen.runs);
  });
  return { seen, work };
}

/** Resolves when what is ready to run has run. */
export const pause = async (): Promise<'a pause'> => {
  await new Promise((resolve) => setImmediate(resolve));
  return 'a pause';
};

/** The PostgreSQL of a test file, with databases of its tests. */
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { readPostgresUrl } from '../../src/server/store/postgres/address.ts';
import { openPostgres } from '../../src/server/store/postgres/database.ts';
import { type RunningPostgres, startPostgres } from './postgres_server.ts';

/** The server of this process. */
export interface PostgresServer extends Omit<RunningPostgres, 'startReplica' | 'stop'> {
  /** A new, empty database, gone after the test. Resolves with its name. */
  newDatabase(t: ExecutionContext): Promise<string>;
  /** As `newDatabase`, with the schema in it: a copy, which costs less than to make it again. */
  newMigrated(t: ExecutionContext): Promise<string>;
  /** Starts a replica of the server, ended after the test. Resolves with its port. */
  startReplica(t: ExecutionContext): Promise<number>;
}

let made = 0;

/**
 * How a database is copied from its template: file by file, which costs half of what PostgreSQL does unless told. Versions before 15
 * know no other way.
 */
async function strategyOf({ query }: RunningPostgres): Promise<string> {
  const [{ version } = {}] = await query("select current_setting('server_version_num')::int as version");
  return Number(version) >= 150_000 ? 'strategy file_copy' : '';
}

async function create(
  t: ExecutionContext,
  template: string,
  strategy: string,
  { query }: RunningPostgres,
): Promise<string> {
  made += 1;
  const name = `test${made}`;
  await query(`create database ${name} template ${template} ${strategy}`);
  t.teardown(() => query(`drop database if exists ${name} with (force)`));
  return name;
}

async function makeTemplate({ query, urlOf }: RunningPostgres): Promise<string> {
  await query('create database migrated');
  const database = await openPostgres(readPostgresUrl(urlOf('migrated'), null), { clock: systemClock });
  await database.close();
  return 'migrated';
}

async function openServer(): Promise<{ server: PostgresServer; stop: () => Promise<void> }> {
  const running = await startPostgres({ durable: false });
  const strategy = await strategyOf(running);
  let template: Promise<string> | null = null;
  const server: PostgresServer = {
    ...running,
    newDatabase: (t) => create(t, 'template0', strategy, running),
    async newMigrated(t) {
      template ??= makeTemplate(running);
      return create(t, await template, strategy, running);
    },
    async startReplica(t) {
      const replica = await running.startReplica();
      t.teardown(replica.stop);
      return replica.port;
    },
  };
  return { server, stop: running.stop };
}

let opened: ReturnType<typeof openServer> | null = null;

/** The server of this process, started when it is first asked for, and ended after the last test. Call this once, at the top of the file. */
export function sharedPostgres(): () => Promise<PostgresServer> {
  test.after.always(async () => {
    await (await opened?.catch(() => null))?.stop();
    opened = null;
  });
  return async () => {
    opened ??= openServer();
    return (await opened).server;
  };
}

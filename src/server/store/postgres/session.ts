/** One session with PostgreSQL: how it is set up, and whether the server will do. */
import pg from 'pg';
import { fail } from '../../../core/errors.ts';
import type { PostgresAddress } from './address.ts';
import { SILENCE_LIMIT_S } from './silence.ts';

/** The oldest version that will do, as `server_version_num` has it. */
const OLDEST = 140_000;
/** How long it may take to reach the server. */
const CONNECT_TIMEOUT_MS = 5000;

const INT8 = 20;
const NUMERIC = 1700;

/** Whole numbers are numbers: ours are at most 2^53, and what is counted and summed is less. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === INT8 || oid === NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
};

/** What `pg` connects with. */
export function connectionTo({ host, port, user, database, password, ssl, options }: PostgresAddress): pg.ClientConfig {
  return {
    ...{ host, port, user, database, ssl, types },
    ...(password === null ? {} : { password }),
    ...(options === undefined ? {} : { options }),
    application_name: 'countermand',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_TIMEOUT_MS,
  };
}

/**
 * The settings of every session, whatever the server has been told: none is ended because it rests, a commit is on the disk, and a
 * conductor that has gone without a word is noticed.
 */
const SETTINGS = `
  set default_transaction_isolation = 'read committed';
  set idle_session_timeout = 0;
  set idle_in_transaction_session_timeout = 0;
  set statement_timeout = 0;
  set lock_timeout = '10s';
  set client_min_messages = error;
  set tcp_keepalives_idle = 5;
  set tcp_keepalives_interval = 5;
  set tcp_keepalives_count = 3;
  select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`;

const LOOK = `
  select current_setting('server_version_num')::int as version, current_setting('server_version') as words,
    pg_is_in_recovery() as replica, current_setting('default_transaction_read_only') = 'on' as read_only,
    current_setting('server_encoding') as encoding, current_schema() as schema, pg_backend_pid() as pid,
    (select backend_start::text from pg_stat_activity where pid = pg_backend_pid()) as since`;

/** What a session found. */
export interface Found {
  readonly schema: string;
  /** The process of the server that serves the session, and when it was started. */
  readonly pid: number;
  readonly since: string;
}

/** Sets up a session that only reads. The server ends what takes too long, also if the answer is not waited for any more. */
export async function prepareReading(client: pg.Client): Promise<void> {
  await client.query(`${SETTINGS}; set statement_timeout = '${SILENCE_LIMIT_S}s'`);
}

/**
 * Sets up a session that writes.
 * @throws DATABASE_REFUSED if nothing can be written there, or the server will not do
 */
export async function prepareWriting(client: pg.Client, { words }: PostgresAddress): Promise<Found> {
  const [found] = (await client.query(LOOK)).rows;
  const refused = (why: string) => fail('DATABASE_REFUSED', `the ${words} cannot be used: ${why}; nothing was written`);
  if (found.version < OLDEST)
    throw refused(`it is PostgreSQL ${found.words}, and ${OLDEST / 10_000} is the oldest that will do`);
  if (found.replica) throw refused('it is a replica, which cannot be written; name the primary');
  if (found.read_only)
    throw refused('default_transaction_read_only is on, so that it cannot be written; switch that off for this user');
  if (found.encoding !== 'UTF8')
    throw refused(`its encoding is ${found.encoding}; create one with ENCODING 'UTF8' TEMPLATE template0`);
  if (found.schema === null) throw refused('none of the schemas of its search_path exists');
  await client.query(SETTINGS);
  return found;
}

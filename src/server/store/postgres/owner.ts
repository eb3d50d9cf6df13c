/**
 * Who writes to a database: whoever holds the advisory lock of its schema, from the opening to the end of the session. A row says
 * under which generation, and how many commits there were, so that a conductor whose session has ended can find out whether
 * another one has written since, and whether its own last commit was done.
 */
import type { Knex } from 'knex';
import type pg from 'pg';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { isAlive, type OwnProcess, type ProcessId } from '../own_process.ts';
import type { PostgresAddress } from './address.ts';
import type { Found } from './session.ts';

/** How long to wait for the lock of a conductor that has died: the server may not have noticed yet. */
const LOCK_WAIT = '5s';

/** What a session calls itself while it changes the schema, of which one statement may take long. */
export const MIGRATING = 'countermand migrates';

/** `CMND`, and the schema: several installations may share a database. */
const KEY = "1129139780, ('x' || left(md5(current_schema()), 8))::bit(32)::int";

/** A conductor as others see it. */
export interface ConductorName {
  readonly uuid: string;
  /** HOST:PORT at which others reach it. */
  readonly address: string;
  /** The same of its HTTP door; null if it has none. */
  readonly httpAddress: string | null;
}

/** The row, as it was read. */
export interface OwnerRow extends ProcessId {
  /** One more at each election: the epoch. */
  readonly generation: number;
  /** The number of the last commit. */
  readonly lastWrite: number;
  /** It gave the lock up in order: nothing of it acts any more. */
  readonly endedCleanly: boolean;
  /** Nothing acts any more of those that led before it. */
  readonly predecessorsEnded: boolean;
  /** How long it, and those before it that may still act, may lead without an answer of the database; null if that is not known. */
  readonly leaseMs: number | null;
  /** Null if it had no name, as one that copied. */
  readonly conductor: ConductorName | null;
}

/** The owner's row; null in a database without one. */
export async function findOwner(client: pg.Client): Promise<OwnerRow | null> {
  const { rows } = await client.query("select to_regclass('database_owner') is not null as there");
  if (!rows[0].there) return null;
  // A version before this one had fewer columns.
  const [row] = (await client.query('select * from database_owner')).rows;
  if (row === undefined) return null;
  const { generation, host, pid, started_at: startedAt, last_write: lastWrite, ended_cleanly: endedCleanly } = row;
  const { conductor_uuid: uuid = null, address, http_address: httpAddress, predecessors_ended: noted = false } = row;
  const { lease_ms: leaseMs = null } = row;
  const conductor = uuid === null ? null : { uuid, address, httpAddress };
  return { generation, host, pid, startedAt, lastWrite, endedCleanly, predecessorsEnded: noted, leaseMs, conductor };
}

/** A session that has the lock. */
interface Holder extends Found {
  /** Another text each time that it has done something. */
  readonly pulse: string;
  /** The user of the database that it belongs to, and the one that has asked. */
  readonly user: string;
  readonly ownUser: string;
  /** Whoever has asked sees what it does, and may end it. */
  readonly mayBeEnded: boolean;
}

/** The session that has the lock, and what it did last; null if none has it. */
export async function findHolder(client: pg.Client): Promise<Holder | null> {
  const [row] = (await client.query(HOLDER)).rows;
  if (row === undefined) return null;
  const { did, migrates, ...holder } = row;
  return { ...holder, pulse: migrates ? `${did} ${await nowIn(client)}` : did };
}

const HOLDER = `
  select pid, backend_start::text as since, current_schema() as schema, application_name = '${MIGRATING}' as migrates,
    concat_ws(' ', pid, backend_start, query_start, state_change, state) as did,
    usename as "user", current_user as "ownUser",
    backend_start is not null and case when (select rolsuper from pg_roles where oid = usesysid)
      then (select rolsuper from pg_roles where rolname = current_user)
      else pg_has_role(usesysid, 'usage') or pg_has_role('pg_signal_backend', 'usage') end as "mayBeEnded"
  from pg_stat_activity where pid = (
    select pid from pg_locks where locktype = 'advisory' and granted and objsubid = 2 and classid = 1129139780
      and database = (select oid from pg_database where datname = current_database())
      and objid::bigint = ('x' || left(md5(current_schema()), 8))::bit(32)::bigint)`;

const nowIn = async (client: pg.Client): Promise<string> =>
  (await client.query('select clock_timestamp()::text as now')).rows[0].now;

/** Takes the lock, if no other session has it. */
export async function tryLock(client: pg.Client): Promise<boolean> {
  return (await client.query(`select pg_try_advisory_lock(${KEY}) as locked`)).rows[0].locked;
}

/**
 * As `tryLock`, if the clock of the database is within `limitMs` of a clock that says `nowMs`. Resolves also with by how much that one is
 * ahead.
 */
export async function tryLockBy(
  nowMs: number,
  limitMs: number,
  client: pg.Client,
): Promise<{ readonly locked: boolean; readonly aheadMs: number }> {
  const { rows } = await client.query(TRY_LOCK_BY, [nowMs, limitMs]);
  return rows[0];
}

const TRY_LOCK_BY = `
  with clocks as materialized (
    select $1::float8 - extract(epoch from clock_timestamp())::float8 * 1000 as ahead
  )
  select ahead as "aheadMs", case when abs(ahead) < $2::float8 then pg_try_advisory_lock(${KEY}) else false end as locked
  from clocks`;

/** As `tryLock`, and waits a while for a session that is about to end. */
export async function waitForLock(client: pg.Client): Promise<boolean> {
  const [{ before }] = (await client.query("select current_setting('lock_timeout') as before")).rows;
  await client.query(`set lock_timeout = '${LOCK_WAIT}'`);
  try {
    await client.query(`select pg_advisory_lock(${KEY})`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    return false;
  } finally {
    await client.query("select set_config('lock_timeout', $1, false)", [before]);
  }
}

const LOCK_NOT_AVAILABLE = '55P03';

/** Takes the lock when the process starts. @throws DATABASE_IN_USE naming who has it */
export async function lockForLife(client: pg.Client, self: OwnProcess, { words }: PostgresAddress): Promise<void> {
  if (await tryLock(client)) return;
  const owner = await findOwner(client);
  const lives = owner !== null && isAlive(owner, self);
  if (!lives && (await waitForLock(client))) return;
  // Whoever has it may have become the owner meanwhile.
  const holder = await findOwner(client);
  throw fail(
    'DATABASE_IN_USE',
    `another conductor${holder ? ` (${nameOf(holder)})` : ''} uses the ${words}; nothing was written; stop it, or name another database (database)`,
  );
}

/** Ends a former session of this process, if the server still believes in it: what it had not committed is undone. */
export async function endSession({ pid, since }: Pick<Found, 'pid' | 'since'>, client: pg.Client): Promise<void> {
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start::text = $2',
    [pid, since],
  );
}

/** True while the server has that session, as when it was told to end it and waits for its disk. */
export async function isSessionThere({ pid, since }: Found, client: pg.Client): Promise<boolean> {
  const { rowCount } = await client.query(
    'select 1 from pg_stat_activity where pid = $1 and backend_start::text = $2',
    [pid, since],
  );
  return rowCount !== 0;
}

const TAKE = `
  insert into database_owner (id, generation, host, pid, started_at, ended_cleanly, conductor_uuid, address, http_address, elected_at,
    predecessors_ended, lease_ms)
  values (1, 1, $1, $2, $3, false, $4, $5, $6, (extract(epoch from clock_timestamp()) * 1000)::bigint, true, $7)
  on conflict (id) do update set generation = database_owner.generation + 1, host = excluded.host, pid = excluded.pid,
    predecessors_ended = database_owner.predecessors_ended and database_owner.ended_cleanly,
    lease_ms = case when database_owner.predecessors_ended and database_owner.ended_cleanly then excluded.lease_ms
      else greatest(excluded.lease_ms, database_owner.lease_ms) end,
    started_at = excluded.started_at, ended_cleanly = false, conductor_uuid = excluded.conductor_uuid,
    address = excluded.address, http_address = excluded.http_address, elected_at = excluded.elected_at
  returning generation, last_write as "lastWrite"`;

/**
 * Makes this process, which has the lock, the owner.
 * @param conductor null: it does not lead, and only copies
 * @param leaseMs how long it may lead without an answer of the database; null if it does not lead
 */
export async function takeOwnership(
  self: OwnProcess,
  { conductor, leaseMs }: { readonly conductor: ConductorName | null; readonly leaseMs: number | null },
  client: pg.Client,
): Promise<Pick<OwnerRow, 'generation' | 'lastWrite'>> {
  return (
    await client.query(TAKE, [
      ...[self.host, self.pid, self.startedAt],
      ...[conductor?.uuid, conductor?.address, conductor?.httpAddress, leaseMs],
    ])
  ).rows[0];
}

/** Notes, as the owner, that nothing acts any more of those that led before: the lease in the row is its own from now on. */
export async function notePredecessorsEnded(leaseMs: number, sql: Knex): Promise<void> {
  await sql('database_owner').where({ id: 1 }).update({ predecessors_ended: true, lease_ms: leaseMs });
}

/** The error of a process that has lost the database to another one. */
export function taken(owner: OwnerRow | null): CountermandError {
  const who = owner === null ? 'another conductor' : `another conductor (${nameOf(owner)})`;
  return fail('DATABASE_TAKEN', `${who} has taken the database over; this one writes nothing more, and stops`);
}

/** The host without the boot that stands behind it. */
const nameOf = ({ host, pid }: ProcessId): string => `pid ${pid} on ${host.split(' ')[0]}`;

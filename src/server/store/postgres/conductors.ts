/** The conductors that stand on one database. Each says itself that it is there; times are those of the database's clock. */
import type { Knex } from 'knex';
import type pg from 'pg';
import type { ConductorName } from './owner.ts';

/** A conductor as it enters itself. */
export interface ConductorSelf extends ConductorName {
  readonly version: string;
}

const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint';

const ENTER = `
  insert into conductors (uuid, address, http_address, version, started_at, last_seen) values (?, ?, ?, ?, ${NOW}, ${NOW})
  on conflict (uuid) do update set address = excluded.address, http_address = excluded.http_address, last_seen = excluded.last_seen`;

/** One that was not seen for a day is not expected back, and one that was started again has another uuid. */
const FORGET = `
  delete from conductors where uuid <> ? and (address = ? or last_seen < ${NOW} - 86400000)`;

const valuesOf = ({ uuid, address, httpAddress, version }: ConductorSelf) => [uuid, address, httpAddress, version];

/** Says that a conductor is there, which leads. */
export async function enterLeader(self: ConductorSelf, sql: Knex): Promise<void> {
  await sql.raw(FORGET, [self.uuid, self.address]);
  await sql.raw(ENTER, valuesOf(self) as Knex.Value[]);
}

/**
 * The same for one that stands by, and does not have the lock: the only rows that are written without it. They are nothing that would
 * have to outlive the server.
 */
export async function enterStandBy(self: ConductorSelf, client: pg.Client): Promise<void> {
  const there = await client.query("select to_regclass('conductors') is not null as there");
  if (!there.rows[0].there) return;
  const bound = (statement: string, values: readonly (string | null)[]): string => {
    const left = values.map((value) => (value === null ? 'null' : client.escapeLiteral(value)));
    return statement.replaceAll('?', () => left.shift() ?? 'null');
  };
  const forget = bound(FORGET, [self.uuid, self.address]);
  await client.query(`begin; set local synchronous_commit = off; ${forget}; ${bound(ENTER, valuesOf(self))}; commit`);
}

/** A conductor goes: it is not listed any more. */
export async function leaveConductors({ uuid }: ConductorName, client: pg.Client): Promise<void> {
  await client.query('delete from conductors where uuid = $1', [uuid]);
}

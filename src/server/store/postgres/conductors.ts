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

const valuesOf = ({ uuid, address, httpAddress, version }: ConductorSelf) => [uuid, address, httpAddress, version];

/** Says that a conductor is there, which leads. */
export async function enterLeader(self: ConductorSelf, sql: Knex): Promise<void> {
  await sql.raw(ENTER, valuesOf(self) as Knex.Value[]);
}

/**
 * The same for one that stands by, and does not have the lock: the only rows that are written without it. They are nothing that would
 * have to outlive the server.
 */
export async function enterStandBy(self: ConductorSelf, client: pg.Client): Promise<void> {
  const there = await client.query("select to_regclass('conductors') is not null as there");
  if (!there.rows[0].there) return;
  const values = valuesOf(self).map((value) => (value === null ? 'null' : client.escapeLiteral(value)));
  let at = 0;
  const statement = ENTER.replaceAll('?', () => values[at++] ?? 'null');
  await client.query(`begin; set local synchronous_commit = off; ${statement}; commit`);
}

/** A conductor goes: it is not listed any more. */
export async function leaveConductors({ uuid }: ConductorName, client: pg.Client): Promise<void> {
  await client.query('delete from conductors where uuid = $1', [uuid]);
}

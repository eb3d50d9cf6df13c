/** Reading which conductors stand on the database, and which of them leads. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';

/** One conductor. Times are those of the database's own clock. */
interface ConductorRow {
  readonly uuid: string;
  readonly address: string;
  readonly httpAddress: string | null;
  readonly version: string;
  readonly startedAt: number;
  readonly lastSeen: number;
}

/** The conductors, by address, with the one that leads. */
interface ConductorCensus {
  readonly conductors: readonly ConductorRow[];
  /** The uuid of the one that leads, since when, and under which epoch; null where there can be one only. */
  readonly leader: { readonly uuid: string; readonly electedAt: number; readonly epoch: number } | null;
}

/** Counts them. In a database where there can be only one, none is entered. */
export async function readConductors(sql: Knex): Promise<ConductorCensus> {
  const rows = await sql('conductors').orderBy('address');
  const owner = await sql('database_owner').first();
  const conductors = rows.map((row) => ({
    uuid: row.uuid,
    address: row.address,
    httpAddress: row.http_address,
    version: row.version,
    startedAt: row.started_at,
    lastSeen: row.last_seen,
  }));
  if (!owner?.conductor_uuid) return { conductors, leader: null };
  return { conductors, leader: { uuid: owner.conductor_uuid, electedAt: owner.elected_at, epoch: owner.generation } };
}

/** A conductor goes in order: it is not listed any more. */
export async function forgetConductor(uuid: string, { sql }: Transaction): Promise<void> {
  await sql('conductors').where({ uuid }).delete();
}

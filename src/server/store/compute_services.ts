/** The table of compute services: what was last seen of the nova-compute of each host. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';

/** What was seen of one. */
interface SeenService {
  readonly state: 'up' | 'down';
  /** When that was seen first. */
  readonly since: number;
}

/** Those of a cloud, by host. */
export async function seenServices(cloud: string, sql: Knex): Promise<Map<string, SeenService>> {
  const rows = await sql('compute_services').where({ cloud });
  return new Map(rows.map(({ host, state, since }) => [host, { state, since: Number(since) }]));
}

/** Writes what is seen of one now. */
export async function saveSeenService(
  key: { readonly cloud: string; readonly host: string },
  seen: SeenService,
  { sql }: Transaction,
): Promise<void> {
  await sql('compute_services')
    .insert({ ...key, ...seen })
    .onConflict(['cloud', 'host'])
    .merge();
}

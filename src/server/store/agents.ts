/** Reading and writing what is known of agents and their drivers. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { type AgentRow, agentCodec, type DriverRow, driverCodec, type NodeRow } from './rows.ts';

/** Remembers an agent and what it said of its drivers. */
export async function saveAgent(
  agent: AgentRow,
  drivers: readonly DriverRow[],
  { sql, changed }: Transaction,
): Promise<void> {
  await sql('agents').insert(agentCodec.encode(agent)).onConflict('uuid').merge();
  if (drivers.length > 0)
    await sql('drivers').insert(drivers.map(driverCodec.encode)).onConflict(['zone', 'name']).merge();
  for (const driver of drivers) changed({ kind: 'driver', driver });
}

/** Forgets an agent that certainly sends nothing more: it said farewell, or it died with its conductor. */
export async function forgetAgent(uuid: string, { sql }: Transaction): Promise<void> {
  await sql('agents').where({ uuid }).delete();
}

/** Forgets the agents that lived inside an earlier process of the conductor. */
export async function forgetEmbeddedAgents({ sql }: Transaction): Promise<void> {
  await sql('agents').where({ embedded: 1 }).delete();
}

/** Every agent that may still be out there. */
export async function listAgents(sql: Knex): Promise<AgentRow[]> {
  return (await sql('agents')).map(agentCodec.decode);
}

/** What agents of a zone have said of a driver, or null. */
export async function findDriver(zone: string, name: string, sql: Knex): Promise<DriverRow | null> {
  const kept = keptBehind(sql).driver(zone, name);
  if (kept) return kept;
  const row = await sql('drivers').where({ zone, name }).first();
  return row ? driverCodec.decode(row) : null;
}

/** The driver of each of these nodes, by the node's uuid; null for one that no agent has offered. */
export async function findDriversOf(nodes: readonly NodeRow[], sql: Knex): Promise<Map<string, DriverRow | null>> {
  const kinds = Map.groupBy(nodes, ({ zone, driver }) => `${zone} ${driver}`);
  const drivers = new Map<string, DriverRow | null>();
  for (const alike of kinds.values()) {
    const [{ zone, driver }] = alike as [NodeRow];
    const found = await findDriver(zone, driver, sql);
    for (const { uuid } of alike) drivers.set(uuid, found);
  }
  return drivers;
}

/** The names of the drivers that agents of a zone have offered. */
export async function listDriverNames(zone: string, sql: Knex): Promise<string[]> {
  return (await sql('drivers').where({ zone }).orderBy('name').select('name')).map(({ name }) => name);
}

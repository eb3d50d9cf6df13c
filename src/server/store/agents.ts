/** Reading and writing what is known of agents. What they say of their drivers is in `drivers.ts`. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { forgetDriversOf, saveDriversOf } from './drivers.ts';
import { type AgentRow, agentCodec, type DriverRow } from './rows.ts';

/** Remembers an agent and what it said of its drivers. */
export async function saveAgent(
  agent: AgentRow,
  drivers: readonly DriverRow[],
  transaction: Transaction,
): Promise<void> {
  await transaction.sql('agents').insert(agentCodec.encode(agent)).onConflict('uuid').merge();
  await saveDriversOf(agent.uuid, drivers, transaction);
}

/** Forgets agents that certainly send nothing more: they said farewell, or died with their conductor. */
export async function forgetAgents(uuids: readonly string[], transaction: Transaction): Promise<void> {
  await transaction.sql('agents').whereIn('uuid', uuids).delete();
  await forgetDriversOf(uuids, transaction);
}

/** Forgets the agents that lived inside an earlier process of the conductor. */
export async function forgetEmbeddedAgents(transaction: Transaction): Promise<void> {
  const embedded = await transaction.sql('agents').where({ embedded: 1 }).select('uuid');
  await forgetAgents(
    embedded.map(({ uuid }) => uuid),
    transaction,
  );
}

/** Every agent that may still be out there. */
export async function listAgents(sql: Knex): Promise<AgentRow[]> {
  return (await sql('agents')).map(agentCodec.decode);
}

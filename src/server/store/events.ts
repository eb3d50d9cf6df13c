/** Reading notifications: numbered by the database, read from any number on. */
import type { Knex } from 'knex';
import { type EventRow, eventCodec } from './rows.ts';

/** At most `limit` events with a sequence number of at least `from`, in order. */
export async function readEvents(from: number, limit: number, sql: Knex): Promise<EventRow[]> {
  const rows = await sql('events').where('sequence', '>=', from).orderBy('sequence').limit(limit);
  return rows.map(eventCodec.decode);
}

/** The id of the database, which stays the same for its life. */
export async function databaseId(sql: Knex): Promise<string> {
  const row = await sql('database_id').first('id');
  return row.id;
}

/** The newest sequence number; 0 if there is no event yet. */
export async function lastSequence(sql: Knex): Promise<number> {
  const row = await sql('events').max({ sequence: 'sequence' }).first();
  return Number(row?.sequence ?? 0);
}

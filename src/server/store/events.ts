/** Reading notifications: numbered by the database, read from any number on. */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { type EventRow, eventCodec } from './rows.ts';

/** At most `limit` events with a sequence number of at least `from`, in order. */
export async function readEvents(from: number, limit: number, sql: Knex): Promise<EventRow[]> {
  const rows = await sql('events').where('sequence', '>=', from).orderBy('sequence').limit(limit);
  return rows.map(eventCodec.decode);
}

/** When the first event after a number was stored; null if there is none. */
export async function timeOfNext(after: number, sql: Knex): Promise<number | null> {
  const row = await sql('events').where('sequence', '>', after).orderBy('sequence').first('timestamp');
  return row === undefined ? null : Number(row.timestamp);
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

/** The number up to which events are kept no more; 0 if all are. */
export async function eventsGoneTo(sql: Knex): Promise<number> {
  const row = await sql('database_id').first('events_gone_to');
  return row.events_gone_to;
}

/** When the backup was made that this database was put back from, until a conductor has started on it; else null. */
export async function backedUpAt(sql: Knex): Promise<number | null> {
  const row = await sql('database_id').first('backed_up_at');
  return row.backed_up_at;
}

/** Gives the database another id: from here on it is no backup, and its numbers are its own. */
export async function becomeAnother(id: string, { sql }: Transaction): Promise<void> {
  await sql('database_id').update({ id, backed_up_at: null });
}

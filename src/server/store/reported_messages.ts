/** The table of messages that were reported from outside. */
import type { Transaction } from './database.ts';

/** A message that comes again later than this is taken for another one: brokers and reporters keep none that long. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Notes a message.
 * @param now milliseconds since 1970
 * @returns false if it was noted before, in the last week: then nothing was written
 */
export async function noteMessage(messageId: string, now: number, { sql }: Transaction): Promise<boolean> {
  await sql('reported_messages')
    .where('reported_at', '<', now - KEPT_MS)
    .delete();
  if (await sql('reported_messages').where('message_id', messageId).first('message_id')) return false;
  await sql('reported_messages').insert({ message_id: messageId, reported_at: now });
  return true;
}

/** What the promises of a database are tried with: nodes that are inserted, and events that are appended and followed. */
import type { Database, Transaction } from '../../src/server/store/database.ts';
import { readEvents } from '../../src/server/store/events.ts';
import { insertNodeRow } from '../../src/server/store/nodes.ts';
import { type EventRow, eventCodec, type NodeRow } from '../../src/server/store/rows.ts';

export const insert =
  (node: NodeRow, work: (transaction: Transaction) => Promise<void> = async () => {}) =>
  async (transaction: Transaction): Promise<NodeRow> => {
    await insertNodeRow(node, transaction);
    await work(transaction);
    return node;
  };

const event = (eventType: string): Record<string, unknown> =>
  eventCodec.encode({
    eventType,
    priority: 'INFO',
    publisherId: 'contract',
    messageId: 'm',
    timestamp: 1,
    payload: { said: eventType },
  });

export async function appendEvents(types: readonly string[], transaction: Transaction): Promise<void> {
  await transaction.append('events', types.map(event));
  transaction.changed({ kind: 'events' });
}

export const names = async ({ read }: Database): Promise<string[]> =>
  (await read('nodes').orderBy('name').select('name')).map(({ name }) => name);

export const eventTypes = async ({ read }: Database): Promise<string[]> =>
  (await readEvents(1, 100_000, read)).map(({ eventType }) => eventType);

export const fault = (): Error => new Error('the callback fails');

export async function outcomes(writes: readonly Promise<unknown>[]): Promise<string[]> {
  return (await Promise.allSettled(writes)).map(({ status }) => status);
}

/** Reads events as Subscribe does: listens, reads, and reads again whenever it hears of a commit. */
export async function follow(database: Database, last: string, signal: AbortSignal): Promise<EventRow[]> {
  const all: EventRow[] = [];
  const commits = database.feed.latest('events', signal);
  while (all.at(-1)?.eventType !== last) {
    const events = await readEvents((all.at(-1)?.sequence ?? 0) + 1, 3, database.read);
    all.push(...events);
    if (events.length === 0) await commits.next();
  }
  await commits.return(undefined);
  return all;
}

/** Notifications: appended in the transaction of the change, and numbered by the database. */
import type { Transaction } from '../store/database.ts';
import { type EventRow, eventCodec } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** What a change has to say; the rest of the envelope is filled in here. */
export type Announcement = Pick<EventRow, 'eventType' | 'priority' | 'payload'>;

/** Appends notifications to the transaction, in order. */
export async function announce(
  announcements: readonly Announcement[],
  transaction: Transaction,
  store: Store,
): Promise<void> {
  if (announcements.length === 0) return;
  const rows = announcements.map((announcement) =>
    eventCodec.encode({
      ...announcement,
      publisherId: store.publisherId,
      messageId: store.chance.uuid(),
      timestamp: store.clock.now(),
    }),
  );
  await transaction.append('events', rows);
  transaction.changed({ kind: 'events' });
}

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
  const actor = toldActor(transaction.actor?.identity ?? null, transaction.actor?.onBehalfOf ?? null);
  const rows = announcements.map((announcement) =>
    eventCodec.encode({
      ...announcement,
      payload: withActor(announcement.payload, actor),
      publisherId: store.publisherId,
      messageId: store.chance.uuid(),
      timestamp: store.clock.now(),
    }),
  );
  await transaction.append('events', rows);
  transaction.changed({ kind: 'events' });
}

/** Who did something, as notifications tell it; null if that is not known. */
export function toldActor(
  identity: string | null,
  onBehalfOf: string | null,
): { readonly identity: string; readonly on_behalf_of: string | null } | null {
  return identity === null ? null : { identity, on_behalf_of: onBehalfOf };
}

const DATA = ['watcher_object.data', 'ironic_object.data', 'countermand_object.data'];

/** The versioned object with who called for the change in its data. */
function withActor(payload: EventRow['payload'], actor: ReturnType<typeof toldActor>): EventRow['payload'] {
  const key = DATA.find((name) => name in payload);
  return key === undefined ? payload : { ...payload, [key]: { ...(payload[key] as object), actor } };
}

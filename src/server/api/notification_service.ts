/** NotificationService: stored events, replayed and then live, and the sinks that they are sent to. */

import { failAt } from '../../core/errors.ts';
import type { NotificationServiceImplementation, SubscribeRequest } from '../../gen/countermand/v1/notification.ts';
import type { Asked } from '../access/identity.ts';
import type { Conductor } from '../conductor.ts';
import { type EventTail, eventsAreGone, storedEvents } from '../events/tail.ts';
import { databaseId, eventsGoneTo, lastSequence } from '../store/events.ts';
import type { EventRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { underCall } from './calls.ts';
import { type SeenPlans, seesEvent } from './seen_events.ts';
import { sinksOf } from './sinks.ts';
import type { Recorded } from './trail.ts';
import type { Viewed } from './view.ts';

/** Which events to send. */
interface Subscription {
  /** The first sequence number; 0: from the oldest that is kept; null: only what comes from now on. */
  readonly from: number | null;
  /** Globs of event types; empty: all. */
  readonly eventTypes: readonly string[];
  /** End after the newest event that is stored now. */
  readonly stopAtPresent: boolean;
  /** The database that `from` is of; null: whichever. */
  readonly databaseId: string | null;
}

/** Where the events are. */
interface Position {
  readonly databaseId: string;
  /** The newest sequence number; 0 if there is no event yet. */
  readonly newest: number;
  /** The oldest that is kept; one more than the newest if there is none. */
  readonly oldest: number;
}

/** The header that tells which database the numbers are of. */
const DATABASE_ID_KEY = 'countermand-database-id';
/** The header that tells how far the events went when the stream began. */
const NEWEST_SEQUENCE_KEY = 'countermand-newest-sequence';

/**
 * Events in the order of their numbers, none missed and none twice. An abort ends it with its reason.
 * @param begun told once where the events are, before the first of them
 * @throws EVENTS_OUT_OF_RANGE, EVENTS_OF_ANOTHER_DATABASE
 */
async function* subscribe(
  subscription: Subscription,
  begun: (position: Position) => void,
  { store, tail }: { readonly store: Store; readonly tail: EventTail },
  signal: AbortSignal,
): AsyncGenerator<EventRow> {
  const position = await positionOf(store);
  refuseForeign(subscription, position);
  begun(position);
  const wanted = { from: subscription.from ?? position.newest + 1, globs: subscription.eventTypes };
  if (subscription.stopAtPresent) yield* storedEvents(wanted, position.newest, store.database, signal);
  else yield* tail.follow(wanted, signal);
}

async function positionOf({ database: { read } }: Store): Promise<Position> {
  const oldest = (await eventsGoneTo(read)) + 1;
  return { databaseId: await databaseId(read), newest: await lastSequence(read), oldest };
}

function refuseForeign(
  { from, databaseId: wanted }: Subscription,
  { databaseId: own, newest, oldest }: Position,
): void {
  if (wanted !== null && wanted !== own)
    throw failAt(
      'EVENTS_OF_ANOTHER_DATABASE',
      'database_id',
      `the numbers are of database ${wanted}, and this is database ${own}: begin anew, from 0 or from now on`,
    );
  if (from !== null && from > newest + 1)
    throw failAt(
      'EVENTS_OUT_OF_RANGE',
      'from_sequence',
      `from_sequence is ${from}, and the newest event is ${newest}: the number is of another database, or of one that was ` +
        `restored since. Resume at ${newest + 1}, or begin anew from 0`,
    );
  if (from !== null && from > 0 && from < oldest) throw eventsAreGone(from, oldest);
}

/** The service over a conductor. @param tail where subscribers follow the events */
export function createNotificationService(
  conductor: Conductor,
  tail: EventTail,
): NotificationServiceImplementation<Asked & Viewed & Recorded> {
  const { store, shutdown } = conductor;
  return {
    ...sinksOf(conductor),

    async *subscribe(request, context) {
      const subscription = toSubscription(request);
      yield* underCall(context, shutdown, async function* (signal) {
        let first: string | undefined;
        const plans: SeenPlans = new Map();
        const begun = ({ databaseId: id, newest }: Position): void => {
          context.header.set(DATABASE_ID_KEY, id).set(NEWEST_SEQUENCE_KEY, String(newest));
          // At once: a consumer that waits for the first event knows that it is heard.
          context.sendHeader();
          first = id;
        };
        for await (const event of subscribe(subscription, begun, { store, tail }, signal)) {
          if (!(await seesEvent(event, context.view, plans))) continue;
          yield { event: toEvent(event), databaseId: first };
          first = undefined;
        }
      });
    },

    async getNewestSequence() {
      const { newest, oldest, databaseId: id } = await positionOf(store);
      return { newestSequence: BigInt(newest), oldestSequence: BigInt(oldest), databaseId: id };
    },
  };
}

function toSubscription({ fromSequence, eventTypes, stopAtPresent, databaseId: id }: SubscribeRequest): Subscription {
  if (fromSequence !== undefined && fromSequence < 0n) {
    throw failAt(
      'ARGUMENT_INVALID',
      'from_sequence',
      `from_sequence is ${fromSequence}; it is 0 or more, or absent for what comes from now on`,
    );
  }
  const from = fromSequence === undefined ? null : Number(fromSequence);
  return { from, eventTypes, stopAtPresent, databaseId: id === '' ? null : id };
}

function toEvent(event: EventRow) {
  return {
    ...event,
    sequence: BigInt(event.sequence),
    timestamp: new Date(event.timestamp),
    payload: { ...event.payload },
  };
}

/** NotificationService: stored events, replayed and then live. */

import { fail } from '../../core/errors.ts';
import type { NotificationServiceImplementation, SubscribeRequest } from '../../gen/countermand/v1/notification.ts';
import type { Conductor } from '../conductor.ts';
import { databaseId, lastSequence, readEvents } from '../store/events.ts';
import type { EventRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { underCall } from './calls.ts';

/** So many events are read at a time. */
const PAGE = 500;

/** Which events to send. */
interface Subscription {
  /** The first sequence number; null: only what comes from now on. */
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
}

/** The header that tells which database the numbers are of. */
const DATABASE_ID_KEY = 'countermand-database-id';
/** The header that tells how far the events went when the stream began. */
const NEWEST_SEQUENCE_KEY = 'countermand-newest-sequence';

/**
 * Events in the order of their numbers, none missed and none twice: it listens first and reads then, and reads again at
 * each word of a commit. An abort ends it with its reason.
 * @param begun told once where the events are, before the first of them
 * @throws EVENTS_OUT_OF_RANGE, EVENTS_OF_ANOTHER_DATABASE
 */
async function* subscribe(
  subscription: Subscription,
  begun: (position: Position) => void,
  store: Store,
  signal: AbortSignal,
): AsyncGenerator<EventRow> {
  const { feed, read } = store.database;
  const commits = feed.latest('events', signal);
  try {
    const position = await positionOf(store);
    refuseForeign(subscription, position);
    begun(position);
    const present = position.newest;
    const end = subscription.stopAtPresent ? present : Number.POSITIVE_INFINITY;
    let next = subscription.from ?? present + 1;
    while (next <= end) {
      const events = await readEvents(next, PAGE, read);
      for (const event of events) {
        if (event.sequence > end) return;
        next = event.sequence + 1;
        if (matches(event.eventType, subscription.eventTypes)) yield event;
      }
      if (events.length === 0 && (await commits.next()).done) return;
    }
  } finally {
    await commits.return(undefined);
  }
}

async function positionOf({ database: { read } }: Store): Promise<Position> {
  return { databaseId: await databaseId(read), newest: await lastSequence(read) };
}

function refuseForeign({ from, databaseId: wanted }: Subscription, { databaseId: own, newest }: Position): void {
  if (wanted !== null && wanted !== own)
    throw fail(
      'EVENTS_OF_ANOTHER_DATABASE',
      `the numbers are of database ${wanted}, and this is database ${own}: begin anew, from 1 or from now on`,
    );
  if (from !== null && from > newest + 1)
    throw fail(
      'EVENTS_OUT_OF_RANGE',
      `from_sequence is ${from}, and the newest event is ${newest}: the number is of another database, or of one that was ` +
        `restored since. Resume at ${newest + 1}, or begin anew from 1`,
    );
}

/** True if the type matches one of the globs, or if there are none. `*` stands for any part, dots included. */
function matches(eventType: string, globs: readonly string[]): boolean {
  return globs.length === 0 || globs.some((glob) => matchesGlob(eventType, glob));
}

/** Not by a regular expression: one with many stars could keep the conductor busy for hours. */
function matchesGlob(text: string, glob: string): boolean {
  const [head = '', ...middle] = glob.split('*');
  const tail = middle.pop();
  if (tail === undefined) return text === glob;
  const end = text.length - tail.length;
  if (!text.startsWith(head) || !text.endsWith(tail) || head.length > end) return false;
  let at = head.length;
  for (const part of middle) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** The service over a conductor. */
export function createNotificationService({ orders, shutdown }: Conductor): NotificationServiceImplementation {
  const { store } = orders;
  return {
    async *subscribe(request, context) {
      const subscription = toSubscription(request);
      yield* underCall(context, shutdown, async function* (signal) {
        let first: string | undefined;
        const begun = ({ databaseId: id, newest }: Position): void => {
          context.header.set(DATABASE_ID_KEY, id).set(NEWEST_SEQUENCE_KEY, String(newest));
          // At once: a consumer that waits for the first event knows that it is heard.
          context.sendHeader();
          first = id;
        };
        for await (const event of subscribe(subscription, begun, store, signal)) {
          yield { event: toEvent(event), databaseId: first };
          first = undefined;
        }
      });
    },

    async getNewestSequence() {
      const { newest, databaseId: id } = await positionOf(store);
      return { newestSequence: BigInt(newest), databaseId: id };
    },
  };
}

function toSubscription({ fromSequence, eventTypes, stopAtPresent, databaseId: id }: SubscribeRequest): Subscription {
  if (fromSequence !== undefined && fromSequence < 0n) {
    throw fail(
      'ARGUMENT_INVALID',
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

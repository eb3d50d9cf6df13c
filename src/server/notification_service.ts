/** NotificationService: stored events, replayed and then live. */

import { fail } from '../core/errors.ts';
import type { NotificationServiceImplementation, SubscribeRequest } from '../gen/countermand/v1/notification.ts';
import { underCall } from './calls.ts';
import type { Conductor } from './conductor.ts';
import { lastSequence, readEvents } from './store/events.ts';
import type { EventRow } from './store/rows.ts';
import type { Store } from './store/store.ts';

/** So many events are read at a time. */
const PAGE = 500;

/** Which events to send. */
export interface Subscription {
  /** The first sequence number; null: only what comes from now on. */
  readonly from: number | null;
  /** Globs of event types; empty: all. */
  readonly eventTypes: readonly string[];
  /** End after the newest event that is stored now. */
  readonly stopAtPresent: boolean;
}

/**
 * Events in the order of their numbers, none missed and none twice: it listens first and reads then, and reads again at
 * each word of a commit. An abort ends it with its reason.
 */
export async function* subscribe(
  subscription: Subscription,
  store: Store,
  signal: AbortSignal,
): AsyncGenerator<EventRow> {
  const { feed, read } = store.database;
  const commits = feed.latest('events', signal);
  try {
    const present = await lastSequence(read);
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

/** True if the type matches one of the globs, or if there are none. `*` stands for any part, dots included. */
export function matches(eventType: string, globs: readonly string[]): boolean {
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
        for await (const event of subscribe(subscription, store, signal)) yield { event: toEvent(event) };
      });
    },
  };
}

function toSubscription({ fromSequence, eventTypes, stopAtPresent }: SubscribeRequest): Subscription {
  if (fromSequence !== undefined && fromSequence < 0n) {
    throw fail(
      'ARGUMENT_INVALID',
      `from_sequence is ${fromSequence}; it is 0 or more, or absent for what comes from now on`,
    );
  }
  return { from: fromSequence === undefined ? null : Number(fromSequence), eventTypes, stopAtPresent };
}

function toEvent(event: EventRow) {
  return {
    ...event,
    sequence: BigInt(event.sequence),
    timestamp: new Date(event.timestamp),
    payload: { ...event.payload },
  };
}

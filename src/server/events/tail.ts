/**
 * Following events: those that are stored, then those that are committed. New events are read once, however many follow them,
 * and a follower is woken only for the types that it wants.
 */
import { type Channel, openFolded } from '../../core/channel.ts';
import { asCountermandError, type CountermandError, fail, failWith } from '../../core/errors.ts';
import { matcherOf } from '../../core/globs.ts';
import { nextPortion } from '../../core/long_work.ts';
import { type Cancellation, onAbort, openCancellation } from '../../core/signals.ts';
import type { Database } from '../store/database.ts';
import { eventsGoneTo, lastSequence, readEvents } from '../store/events.ts';
import type { EventRow } from '../store/rows.ts';

/** At most this many events are read at a time. A client that never reads keeps one page of them in memory. */
const PAGE = 50;
/** At most this many events wait for one follower. One that is further behind reads them from the database again. */
const WAITING_LIMIT = 50;

/** Which events to tell. */
interface Wanted {
  /** The first sequence number. */
  readonly from: number;
  /** Globs of event types; empty: all. */
  readonly globs: readonly string[];
}

/** The error of a number whose event is kept no more. @param oldest the number of the oldest that is */
export function eventsAreGone(from: number, oldest: number): CountermandError {
  const sentence = `the events before ${oldest} are kept no more (events_keep), and ${from} is one of them: resume at ${oldest}, or at 0, the oldest there is, and look at what there is now`;
  return failWith('EVENTS_OUT_OF_RANGE', sentence, { field: 'from_sequence', facts: { oldest: String(oldest) } });
}

/**
 * The stored events up to number `to`, in order. Others are served between two pages. An abort ends it with its reason.
 * @param wanted from 0 is from the oldest that is kept
 * @returns the number after the last event that was looked at
 * @throws EVENTS_OUT_OF_RANGE if an event is kept no more when its turn comes
 */
export async function* storedEvents(
  { from, globs }: Wanted,
  to: number,
  { read }: Pick<Database, 'read'>,
  signal: AbortSignal,
): AsyncGenerator<EventRow, number> {
  const isWanted = matcherOf(globs);
  for (let next = from; ; ) {
    signal.throwIfAborted();
    const events = await readEvents(next, PAGE, read);
    if (next > 0 && events[0]?.sequence !== next) await refuseGone(next, read);
    for (const event of events) {
      signal.throwIfAborted();
      if (event.sequence > to) return next;
      next = event.sequence + 1;
      if (isWanted(event.eventType)) yield event;
    }
    if (events.length < PAGE) return next;
    await nextPortion();
  }
}

async function refuseGone(from: number, sql: Database['read']): Promise<void> {
  const goneTo = await eventsGoneTo(sql);
  if (from <= goneTo) throw eventsAreGone(from, goneTo + 1);
}

/** What has come for a follower since it last looked. */
interface Gathered {
  readonly events: EventRow[];
  /** There were more than are kept: they have to be read. */
  readonly isBehind: boolean;
}

interface Follower {
  readonly wants: (eventType: string) => boolean;
  readonly channel: Channel<EventRow, Gathered>;
  /** What it was given and has not taken over yet; null while it waits for what is to come. */
  next: EventRow | null;
}

/** One reading of new events for all followers. It begins with the first of them and ends with the last. */
interface TailReading {
  readonly cancellation: Cancellation;
  /** Resolves when it is certain that followers are given what is committed from now on. */
  readonly ready: Promise<void>;
}

/** Where the list of events grows. */
export class EventTail {
  readonly #database: Pick<Database, 'read' | 'feed'>;
  readonly #followers = new Set<Follower>();
  /** Who wants the events of a type, for each type that has been seen. The types are a fixed list. */
  readonly #byType = new Map<string, Set<Follower>>();
  #reading: TailReading | null = null;

  constructor(database: Pick<Database, 'read' | 'feed'>) {
    this.#database = database;
  }

  /** Every event that is wanted, in order, none missed and none twice. An abort ends it with its reason. */
  async *follow({ from, globs }: Wanted, signal: AbortSignal): AsyncGenerator<EventRow> {
    signal.throwIfAborted();
    const follower: Follower = { wants: matcherOf(globs), channel: openFolded(signal, gather), next: null };
    const { ready } = this.#join(follower);
    // At once, also if the client reads nothing and so never reaches the `finally`.
    const unlink = onAbort(signal, () => this.#leave(follower));
    try {
      await ready;
      let next = from;
      for (;;) {
        const stored = storedEvents({ from: next, globs }, Number.POSITIVE_INFINITY, this.#database, signal);
        next = yield* given(stored, follower);
        for await (const event of newEvents(follower.channel)) {
          signal.throwIfAborted();
          if (event.sequence < next) continue;
          next = event.sequence + 1;
          follower.next = event;
          yield event;
          follower.next = null;
        }
      }
    } finally {
      unlink();
      this.#leave(follower);
    }
  }

  /** The event that the follower who is furthest behind takes next; null if none is behind. */
  get oldest(): EventRow | null {
    const waiting = [...this.#followers].flatMap(({ next }) => next ?? []);
    return waiting.reduce<EventRow | null>(
      (oldest, event) => (oldest && oldest.sequence <= event.sequence ? oldest : event),
      null,
    );
  }

  #join(follower: Follower): TailReading {
    this.#followers.add(follower);
    for (const [type, followers] of this.#byType) if (follower.wants(type)) followers.add(follower);
    this.#reading ??= this.#begin();
    return this.#reading;
  }

  #leave(follower: Follower): void {
    follower.channel.end();
    this.#followers.delete(follower);
    for (const followers of this.#byType.values()) followers.delete(follower);
    if (this.#followers.size > 0) return;
    this.#reading?.cancellation.abort(fail('CALL_ENDED', 'no subscriber follows the events'));
    this.#reading = null;
  }

  #begin(): TailReading {
    const cancellation = openCancellation([]);
    const ready = Promise.withResolvers<void>();
    this.#read(cancellation.signal, () => ready.resolve()).catch((thrown: unknown) => {
      ready.reject(thrown);
      if (cancellation.signal.aborted) return;
      // Those who follow now are told. Whoever comes later begins anew.
      this.#reading = null;
      for (const { channel } of this.#followers) channel.end(asCountermandError(thrown));
    });
    ready.promise.catch(() => {});
    return { cancellation, ready: ready.promise };
  }

  /** It listens first and reads then: what was committed before `ready` is for the followers to read. */
  async #read(signal: AbortSignal, ready: () => void): Promise<void> {
    const { feed, read } = this.#database;
    const commits = feed.latest('events', signal);
    try {
      let from = (await lastSequence(read)) + 1;
      ready();
      for await (const _ of commits) from = await this.#pass(from, signal);
    } finally {
      // A reading that fails before its first commit has not begun to iterate, so nothing else ends the watching.
      await commits.return(undefined);
    }
  }

  /** Gives the events from a number on to those who want them. @returns the number after the last */
  async #pass(from: number, signal: AbortSignal): Promise<number> {
    const events = storedEvents({ from, globs: [] }, Number.POSITIVE_INFINITY, this.#database, signal);
    for (;;) {
      const next = await events.next();
      if (next.done) return next.value;
      for (const { channel } of this.#wanting(next.value.eventType)) channel.push(next.value);
    }
  }

  #wanting(eventType: string): ReadonlySet<Follower> {
    const known = this.#byType.get(eventType);
    if (known) return known;
    const wanting = new Set([...this.#followers].filter(({ wants }) => wants(eventType)));
    this.#byType.set(eventType, wanting);
    return wanting;
  }
}

/** The same events, each noted as the next of a follower until it has taken it. */
async function* given(events: AsyncGenerator<EventRow, number>, follower: Follower): AsyncGenerator<EventRow, number> {
  for (;;) {
    const { done, value } = await events.next();
    if (done) return value;
    follower.next = value;
    yield value;
    follower.next = null;
  }
}

function gather(waiting: Gathered | undefined, event: EventRow): Gathered {
  if (waiting === undefined) return { events: [event], isBehind: false };
  if (waiting.isBehind || waiting.events.length === WAITING_LIMIT) return { ...waiting, isBehind: true };
  waiting.events.push(event);
  return waiting;
}

/** What is given to a follower, until it is behind. */
async function* newEvents(channel: Channel<EventRow, Gathered>): AsyncGenerator<EventRow> {
  const gatherings = channel[Symbol.asyncIterator]();
  for (let next = await gatherings.next(); !next.done; next = await gatherings.next()) {
    yield* next.value.events;
    if (next.value.isBehind) return;
  }
}

/** A client of Subscribe: it resumes after every end of its stream, and must get each event once, in order. */
import { Metadata } from 'nice-grpc';
import { fail } from '../../src/core/errors.ts';
import { type Cancellation, openCancellation } from '../../src/core/signals.ts';
import type { SubscribeResponse } from '../../src/gen/countermand/v1/notification.ts';
import { EVERYTHING } from '../../src/server/access/rights.ts';
import { createNotificationService } from '../../src/server/api/notification_service.ts';
import { View } from '../../src/server/api/view.ts';
import type { Conductor } from '../../src/server/conductor.ts';
import { EventTail } from '../../src/server/events/tail.ts';
import { lastSequence } from '../../src/server/store/events.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';

interface Stream {
  readonly conductor: Conductor;
  readonly cancellation: Cancellation;
  isOver: boolean;
}

const openStream = (conductor: Conductor): Stream => ({ conductor, cancellation: openCancellation([]), isOver: false });

const letGo = (stream: Stream | null): void =>
  stream?.cancellation.abort(fail('CALL_ENDED', 'the client has stopped listening'));

/** Thousands of events come page by page, and between two pages the clock may go on: a limit for what hangs. */
const CATCHES_UP_MS = 3_600_000;

/** Who subscribes, for the whole life of a world. */
export class Subscriber {
  readonly #world: World;
  /** What it got: message_id by sequence, in the order in which it came. */
  readonly #got: (readonly [sequence: number, messageId: string])[] = [];
  #stream: Stream | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** Resumes if its stream is over or its conductor is not the last any more. With `anew`, it lets go of the stream first. */
  attend(anew: boolean): void {
    if (!this.#world.conductorAlive) return;
    const { conductor } = this.#world;
    if (!anew && this.#stream?.conductor === conductor && !this.#stream.isOver) return;
    letGo(this.#stream);
    const stream = openStream(conductor);
    this.#stream = stream;
    void this.#follow(stream);
  }

  /** Ends the stream, gets what is left, and compares all of it with what is stored. */
  async end(): Promise<void> {
    letGo(this.#stream);
    this.#stream = null;
    const { read } = this.#world.database;
    // A stream that stops at the present ends with what is stored as it begins; a timer may add to that while it is read.
    const present = await lastSequence(read);
    await this.#world.finish(this.#follow(openStream(this.#world.conductor), true), CATCHES_UP_MS);
    const stored: { sequence: number; message_id: string }[] = await read('events')
      .orderBy('sequence')
      .select('sequence', 'message_id');
    const wanted = stored.map((event) => `${event.sequence} ${event.message_id}`);
    const got = this.#got.map(([sequence, messageId]) => `${sequence} ${messageId}`);
    const at = got.findIndex((each, place) => each !== wanted[place]);
    insist(at === -1, `Subscribe gave ${got[at]} as number ${at + 1}; stored is ${wanted[at]}`);
    insist(got.length >= present, `Subscribe gave ${got.length} events of ${present}`);
  }

  async #follow(stream: Stream, stopAtPresent = false): Promise<void> {
    const request = {
      fromSequence: BigInt((this.#got.at(-1)?.[0] ?? 0) + 1),
      eventTypes: [],
      stopAtPresent,
      databaseId: '',
    };
    const view = new View(EVERYTHING, 'simulation', this.#world.database.read);
    const context = { ...contextOf(stream.cancellation.signal), view };
    const events = createNotificationService(stream.conductor, new EventTail(this.#world.database)).subscribe(
      request,
      context,
    );
    try {
      for await (const { event } of events as AsyncIterable<SubscribeResponse>) {
        // What still comes from a stream that was let go of is not heard.
        if (stream.cancellation.signal.aborted) return;
        if (event) this.#got.push([Number(event.sequence), event.messageId]);
      }
    } catch (thrown) {
      if (stopAtPresent) throw thrown;
    } finally {
      stream.isOver = true;
      stream.cancellation.end();
    }
  }
}

/** The events that a conductor sends whoever may see all, from a number on. */
export async function* subscribeTo(conductor: Conductor, from: number): AsyncGenerator<{ readonly sequence: number }> {
  const request = { fromSequence: BigInt(from), eventTypes: [], stopAtPresent: true, databaseId: '' };
  const view = new View(EVERYTHING, 'simulation', conductor.store.database.read);
  const context = { ...contextOf(openCancellation([]).signal), view };
  const events = createNotificationService(conductor, new EventTail(conductor.store.database)).subscribe(
    request,
    context,
  );
  for await (const { event } of events as AsyncIterable<SubscribeResponse>)
    if (event) yield { sequence: Number(event.sequence) };
}

function contextOf(signal: AbortSignal) {
  return {
    signal,
    metadata: Metadata(),
    header: Metadata(),
    trailer: Metadata(),
    peer: 'simulation',
    sendHeader: () => {},
    identity: { who: 'simulation' },
  } as unknown as Parameters<ReturnType<typeof createNotificationService>['subscribe']>[1];
}

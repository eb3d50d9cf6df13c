/**
 * What takes the events to one receiver: in order, each until it was taken over. It reads them from the database and keeps none, so
 * that a receiver which is away for hours costs no memory, and holds no other sink up.
 */
import { type Chance, jitter } from '../../core/chance.ts';
import { asCountermandError, CountermandError } from '../../core/errors.ts';
import { matcherOf } from '../../core/globs.ts';
import { nextPortion } from '../../core/long_work.ts';
import { DeliveryFailure, type Outlet, type SinkKind } from '../../core/outlets.ts';
import { abortable, sleep } from '../../core/signals.ts';
import { cutText } from '../../core/texts.ts';
import type { Log } from '../log.ts';
import { retry } from '../retry.ts';
import { readEvents } from '../store/events.ts';
import { portionsOf } from '../store/portions.ts';
import type { EventRow } from '../store/rows.ts';
import type { SinkRow } from '../store/sinks.ts';
import type { Store } from '../store/store.ts';

/** At most this many events are read at a time. */
const PAGE = 50;
/** Events that come within this time are read together: otherwise each commit would cost each sink a read. */
const GATHER_MS = 50;
/** How long after its first failure an event is sent again; the time doubles with each one. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 300_000;
/** By what part of itself each of these times is varied. */
const JITTER = 0.2;
/** While another conductor may lead, nothing is sent. */
const UNLED_MS = 1000;

/** Why nothing gets through. */
interface Failing {
  /** When it began. */
  readonly since: number;
  /** How often in a row. */
  readonly attempts: number;
  readonly message: string;
  /** When the next attempt is made. */
  readonly nextAt: number;
}

/** What a courier works with. */
interface CourierParts {
  readonly store: Store;
  readonly log: Log;
  /** Opens a way to the receiver. @throws what keeps it from being opened */
  open(row: SinkRow): Promise<Outlet>;
  /** Why this process may not send now; null if it may. */
  readonly objection: () => CountermandError | null;
  /** Called when the position has moved. */
  moved(): void;
  /** Writes that the receiver takes nothing any more. */
  switchOff(row: SinkRow, reason: string): Promise<void>;
}

/** The courier of one sink. */
export class Courier {
  readonly row: SinkRow;
  /** The number of the last event that was taken over, or is not wanted. */
  position: number;
  /** The same, as it stands in the database. */
  saved: number;
  /** Null while all is well. */
  failing: Failing | null = null;
  /** Why the last test did not arrive; null if it did, there was none, or events were taken over since. A restart forgets it. */
  testFailure: string | null = null;
  /** Why it sends nothing; null while it does. */
  offReason: string | null;
  /** How many events were taken over since it began. */
  delivered = 0;
  /** True while it reads, and so needs no timer and no receiver to go on. */
  busy = false;
  readonly #kind: SinkKind;
  readonly #parts: CourierParts;
  readonly #wants: (eventType: string) => boolean;
  #outlet: Outlet | null = null;
  #wake: (() => void) | null = null;

  constructor(row: SinkRow, kind: SinkKind, parts: CourierParts) {
    this.row = row;
    this.position = row.position;
    this.saved = row.position;
    this.offReason = row.offReason;
    this.#kind = kind;
    this.#parts = parts;
    this.#wants = matcherOf(row.eventTypes);
  }

  /** Tries again now, if it waits. @param isOn the receiver takes events again, also if it had said that it never will */
  wake(isOn: boolean): void {
    if (isOn) [this.offReason, this.testFailure] = [null, null];
    this.#wake?.();
  }

  /** Works until `signal` is aborted; then it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const { clock, database } = store;
    // It listens first and reads then, so that nothing falls between.
    const commits = database.feed.latest('events', signal);
    const words = { message: 'the events for a sink cannot be read', fields: { sink: this.row.name } };
    const passOn = () => retry(() => this.#passOn(signal), words, { clock, log }, signal);
    try {
      await passOn();
      for await (const _ of commits) {
        await sleep(GATHER_MS, clock, signal);
        await passOn();
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      await commits.return(undefined);
      await this.#drop();
    }
  }

  /** Sends all that there is. */
  async #passOn(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const page = await this.#read();
      const wanted = page.filter(({ eventType }) => this.#wants(eventType));
      for (const part of portionsOf(wanted, this.#kind.atOnce)) {
        await this.#deliver(part, signal);
        this.#moveTo(part.at(-1) as EventRow);
      }
      const last = page.at(-1);
      if (last !== undefined) this.#moveTo(last);
      if (page.length < PAGE) return;
      await nextPortion(signal);
    }
  }

  async #read(): Promise<EventRow[]> {
    this.busy = true;
    try {
      return await readEvents(this.position + 1, PAGE, this.#parts.store.database.read);
    } finally {
      this.busy = false;
    }
  }

  #moveTo({ sequence }: EventRow): void {
    if (sequence <= this.position) return;
    this.position = sequence;
    this.#parts.moved();
  }

  /** Sends events until they were taken over. Rejects with the reason of the abort only. */
  async #deliver(events: readonly EventRow[], signal: AbortSignal): Promise<void> {
    const { objection, store, open } = this.#parts;
    for (;;) {
      if (this.offReason !== null) await this.#rest(null, signal);
      if (objection() !== null) {
        await sleep(UNLED_MS, store.clock, signal);
        continue;
      }
      try {
        this.#outlet ??= await open(this.row);
        await this.#outlet.send(events, signal);
        this.#succeed(events.length);
        return;
      } catch (thrown) {
        signal.throwIfAborted();
        await this.#drop();
        await this.#fail(thrown, signal);
      }
    }
  }

  #succeed(count: number): void {
    this.delivered += count;
    this.testFailure = null;
    if (this.failing === null) return;
    const { since, attempts } = this.failing;
    this.failing = null;
    this.#parts.log.info({ sink: this.row.name, since, attempts }, 'the receiver of a sink takes events again');
  }

  /** Notes a failure, and waits as long as it asks for. */
  async #fail(thrown: unknown, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const { clock, chance } = store;
    const message = failureWords(thrown);
    const attempts = (this.failing?.attempts ?? 0) + 1;
    const restMs = restAfter(attempts, thrown, chance);
    const now = clock.now();
    this.failing = { since: this.failing?.since ?? now, attempts, message, nextAt: now + restMs };
    if (attempts === 1) log.warn({ sink: this.row.name, reason: message }, 'the receiver of a sink takes no events');
    // What moved before is written now: the receiver may be away for long.
    this.#parts.moved();
    if (thrown instanceof DeliveryFailure && thrown.isGone) await this.#switchOff(message);
    else await this.#rest(restMs, signal);
  }

  async #switchOff(reason: string): Promise<void> {
    this.offReason = reason;
    await this.#parts.switchOff(this.row, reason).catch((error: Error) => {
      this.#parts.log.warn({ sink: this.row.name, reason: error.message }, 'that a sink is off could not be written');
    });
  }

  /** Waits until it is woken, or for a time. */
  #rest(ms: number | null, signal: AbortSignal): Promise<void> {
    return abortable<void>((resolve) => {
      const timer = ms === null ? null : this.#parts.store.clock.after(ms, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = null;
        timer?.cancel();
        resolve();
      };
      return () => {
        this.#wake = null;
        timer?.cancel();
      };
    }, signal);
  }

  async #drop(): Promise<void> {
    const dropped = this.#outlet;
    this.#outlet = null;
    await dropped?.close();
  }
}

/** How long it is until the next attempt. */
function restAfter(attempts: number, thrown: unknown, chance: Chance): number {
  const usual = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS);
  const asked = thrown instanceof DeliveryFailure ? (thrown.retryAfterMs ?? 0) : 0;
  return Math.max(jitter(usual, JITTER, chance), asked);
}

/** What went wrong, for people. An error that is none of ours may have anything in it, and is not repeated. */
export function failureWords(thrown: unknown): string {
  if (thrown instanceof DeliveryFailure || thrown instanceof CountermandError) return cutText(thrown.message, 500);
  return `a fault of ours: ${asCountermandError(thrown).code}`;
}

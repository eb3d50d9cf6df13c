/**
 * The notifications of one cloud: each that tells of a change on hosts that are nodes becomes a cluster event. A message leaves its queue when
 * the event is committed, so none is lost with a conductor; one that comes again is known by its id.
 */
import { type ComputeNotification, readNotification, UnreadableNotification } from '../../compute/notification.ts';
import { jitter } from '../../core/chance.ts';
import { asCountermandError, CountermandError } from '../../core/errors.ts';
import type { Inbox } from '../../core/inbox.ts';
import { SOURCE_LIMITS } from '../../core/limits.ts';
import { DeliveryFailure } from '../../core/outlets.ts';
import { sleep } from '../../core/signals.ts';
import { cutText } from '../../core/texts.ts';
import { retry } from '../retry.ts';
import { databaseId } from '../store/events.ts';
import { type Failing, reportChange, type WatchParts } from './watched.ts';

/** The outcome of a message. */
type Result = 'changed' | 'repeated' | 'ignored' | 'unreadable';

/** How long after a failure the queue is opened again; the time doubles with each one. */
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** By what part of itself each of these times is varied. */
const JITTER = 0.2;
/** At most this often a message that cannot be read is logged. */
const COMPLAIN_MS = 60_000;

/** What reads the notifications of one cloud. */
export class NotificationSource {
  readonly cloud: string;
  /** Since when the queue is read; null while it is not. */
  connectedSince: number | null = null;
  /** Why it is not; null while all is well. */
  failing: Failing | null = null;
  /** How many messages had which outcome, since this conductor leads. */
  readonly counts: Record<Result, number> = { changed: 0, repeated: 0, ignored: 0, unreadable: 0 };
  /** When the last notification was read; null if none was. */
  lastAt: number | null = null;
  /** How old it was then, by the clocks of its sender and of this host, in milliseconds; null if it does not say. */
  lagMs: number | null = null;
  /** True while a message is worked on, and so no timer and no broker is needed to go on. */
  busy = false;
  readonly #inbox: Inbox;
  readonly #parts: WatchParts;
  #complainedAt: number | null = null;
  #quiet = 0;

  constructor(cloud: string, inbox: Inbox, parts: WatchParts) {
    this.cloud = cloud;
    this.#inbox = inbox;
    this.#parts = parts;
  }

  /** Reads until `signal` is aborted; then it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { orders, objection } = this.#parts;
    const { clock, chance, database } = orders.store;
    try {
      const queue = `countermand.${await databaseId(database.read)}.${this.cloud}`;
      while (!signal.aborted) {
        try {
          const refused = objection();
          if (refused !== null) throw refused;
          await this.#inbox.read(
            queue,
            (body) => this.#take(body, signal),
            () => this.#opened(queue),
            signal,
          );
        } catch (thrown) {
          signal.throwIfAborted();
          const attempts = this.#fail(thrown);
          const restMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 10), LONGEST_RETRY_MS);
          await sleep(jitter(restMs, JITTER, chance), clock, signal);
        }
      }
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      this.connectedSince = null;
    }
  }

  #opened(queue: string): void {
    const { orders, log } = this.#parts;
    this.connectedSince = orders.store.clock.now();
    const gap = this.failing === null ? {} : { since: this.failing.since };
    this.failing = null;
    log.info({ cloud: this.cloud, from: this.#inbox.place, queue, ...gap }, 'the notifications of a cloud are read');
  }

  /** Notes a failure; the first of several is logged. @returns how many there were in a row */
  #fail(thrown: unknown): number {
    const { orders, log } = this.#parts;
    const message = failureWords(thrown);
    const attempts = (this.failing?.attempts ?? 0) + 1;
    const isNews = this.failing?.message !== message;
    this.connectedSince = null;
    this.failing = { since: this.failing?.since ?? orders.store.clock.now(), attempts, message };
    if (isNews) log.warn({ cloud: this.cloud, reason: message }, 'the notifications of a cloud are not read');
    return attempts;
  }

  /** Resolves with false for what is no notification. Rejects while nothing can be written, so that the message stays. */
  async #take(body: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { orders, objection, log } = this.#parts;
    const { clock } = orders.store;
    const refused = objection();
    if (refused !== null) throw refused;
    this.busy = true;
    try {
      const notification = this.#read(body);
      if (notification === null) return false;
      const about = { message: 'a notification could not be stored', fields: { cloud: this.cloud } };
      const result = await retry(() => this.#report(notification), about, { clock, log }, signal);
      this.counts[result] += 1;
      this.lastAt = clock.now();
      const { sentAt } = notification;
      this.lagMs = sentAt === null ? null : Math.max(0, this.lastAt - sentAt);
      return true;
    } finally {
      this.busy = false;
    }
  }

  #read(body: Uint8Array): ComputeNotification | null {
    const { limit } = SOURCE_LIMITS.notification_bytes;
    try {
      if (body.length > limit)
        throw new UnreadableNotification(`it has ${body.length} bytes, and at most ${limit} are read`);
      return readNotification(body);
    } catch (thrown) {
      this.counts.unreadable += 1;
      this.#complain(thrown instanceof UnreadableNotification ? thrown.message : asCountermandError(thrown).code);
      return null;
    }
  }

  /** Where one message cannot be read, many may follow. */
  #complain(reason: string): void {
    const { orders, log } = this.#parts;
    const now = orders.store.clock.monotonic();
    this.#quiet += 1;
    if (this.#complainedAt !== null && now - this.#complainedAt < COMPLAIN_MS) return;
    log.warn({ cloud: this.cloud, reason, messages: this.#quiet }, 'messages that are no notifications were refused');
    this.#complainedAt = now;
    this.#quiet = 0;
  }

  async #report({ id, change, origin }: ComputeNotification): Promise<Result> {
    if (change === null) return 'ignored';
    const { hosts, instance } = change;
    const what = instance === null ? 'service' : `instance ${instance}`;
    const reason = `cloud ${this.cloud} notifies of ${what} on ${hosts.join(', ')}`;
    return reportChange({ ...change, cloud: this.cloud, reason, messageId: id, origin }, this.#parts);
  }
}

/** What went wrong, for people. An error that is none of ours may have anything in it, and is not repeated. */
function failureWords(thrown: unknown): string {
  if (thrown instanceof DeliveryFailure || thrown instanceof CountermandError) return cutText(thrown.message, 500);
  return `a fault of ours: ${asCountermandError(thrown).code}`;
}

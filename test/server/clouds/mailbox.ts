/** A queue of notifications in memory, behind the same interface as the one at RabbitMQ. */
import { openChannel } from '../../../src/core/channel.ts';
import type { Inbox } from '../../../src/core/inbox.ts';
import { DeliveryFailure } from '../../../src/core/outlets.ts';
import { openCancellation, untilAborted } from '../../../src/core/signals.ts';

/** A queue, and what became of its messages. It has one reader at a time. */
export class Mailbox implements Inbox {
  readonly place = 'a mailbox';
  /** What has not left the queue, in order. */
  readonly waiting: Buffer[] = [];
  readonly taken: Buffer[] = [];
  readonly refused: Buffer[] = [];
  /** The queues that were opened, in order. */
  readonly opened: string[] = [];
  /** Why it cannot be opened; null if it can. */
  away: string | null = null;
  /** Called when a message was taken, before the queue hears of it; what it throws breaks the connection. */
  beforeAck: (body: Buffer) => void | Promise<void> = () => {};
  #reader: { wake(): void; drop(error: Error): void } | null = null;

  /** A message comes. */
  post(...bodies: readonly Buffer[]): void {
    this.waiting.push(...bodies);
    this.#reader?.wake();
  }

  /** The connection breaks; what was not answered comes again. */
  drop(reason = 'RabbitMQ: the connection was closed'): void {
    this.#reader?.drop(new DeliveryFailure(reason));
  }

  async read(
    queue: string,
    take: (body: Uint8Array) => Promise<boolean>,
    opened: () => void,
    signal: AbortSignal,
  ): Promise<never> {
    if (this.away !== null) throw new DeliveryFailure(this.away);
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    const life = openCancellation([signal]);
    const calls = openChannel<null>(life.signal);
    const reader = { wake: () => calls.push(null), drop: broken.reject };
    this.#reader = reader;
    this.opened.push(queue);
    opened();
    calls.push(null);
    try {
      const during = <T>(work: Promise<T>): Promise<T> =>
        untilAborted(Promise.race([work, broken.promise]), life.signal);
      for (;;) {
        await during(calls[Symbol.asyncIterator]().next());
        for (let body = this.waiting[0]; body !== undefined; body = this.waiting[0]) {
          const isTaken = await during(take(body));
          await this.beforeAck(body);
          (isTaken ? this.taken : this.refused).push(body);
          this.waiting.shift();
        }
      }
    } finally {
      if (this.#reader === reader) this.#reader = null;
      calls.end();
      life.end();
    }
  }
}

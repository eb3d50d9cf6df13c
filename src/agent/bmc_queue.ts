/** The turns at one BMC: one command at a time, orders before polls, with a rest in between. */
import type { Clock } from '../core/clock.ts';
import { abortable } from '../core/signals.ts';

/** Orders and recalls go before polls; among equals the first to ask goes first. */
export type Rank = 'order' | 'poll';

interface Waiting {
  readonly rank: Rank;
  readonly begin: () => void;
}

/** The queue of one BMC. A BMC that hangs holds up its own queue only. */
export class BmcQueue {
  readonly #restMs: number;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #busy = false;
  /** Monotonic time from which the BMC may be bothered again. */
  #restedAt = Number.NEGATIVE_INFINITY;
  #resting = false;

  /** @param restMs the rest between the end of one turn and the begin of the next */
  constructor(restMs: number, clock: Clock) {
    this.#restMs = restMs;
    this.#clock = clock;
  }

  /** Waits for a turn and runs `work` in it. An abort while waiting rejects with its reason and gives up the place. */
  async turn<T>(rank: Rank, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#myTurn(rank, signal);
    try {
      return await work();
    } finally {
      this.#busy = false;
      this.#restedAt = this.#clock.monotonic() + this.#restMs;
      this.#next();
    }
  }

  #myTurn(rank: Rank, signal: AbortSignal): Promise<void> {
    return abortable<void>((resolve) => {
      const place: Waiting = { rank, begin: resolve };
      this.#waiting.push(place);
      this.#next();
      return () => {
        this.#waiting = this.#waiting.filter((other) => other !== place);
      };
    }, signal);
  }

  #next(): void {
    if (this.#busy || this.#resting || this.#waiting.length === 0) return;
    const restMs = this.#restedAt - this.#clock.monotonic();
    if (restMs > 0) {
      this.#resting = true;
      this.#clock.after(restMs, () => {
        this.#resting = false;
        this.#next();
      });
      return;
    }
    const order = this.#waiting.findIndex(({ rank }) => rank === 'order');
    const [place] = this.#waiting.splice(Math.max(order, 0), 1);
    this.#busy = true;
    place?.begin();
  }
}

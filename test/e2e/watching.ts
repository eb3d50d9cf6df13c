import { systemClock } from '../../src/core/clock.ts';
import { abortable, openCancellation } from '../../src/core/signals.ts';

/** Ends a hang. Nothing else takes as long, on a slow and busy machine either. */
const LIMIT_MS = 300_000;

/** All that has come from a stream, and a way to wait for what is to come. It reads on whether anybody waits or not. */
export class Watch<T> {
  readonly seen: T[] = [];
  /** Resolves at the end of the stream with what broke it, or null. Never rejects. */
  readonly ended: Promise<unknown>;
  readonly #looks = new Set<() => void>();
  #open = true;
  #broken: unknown = null;

  constructor(source: AsyncIterable<T>) {
    this.ended = this.#read(source);
  }

  /**
   * Resolves with the first that fits, of those seen and those to come. Rejects with what breaks the stream, also at its
   * end, and after five minutes.
   */
  async until(what: string, fits: (item: T) => boolean): Promise<T> {
    const cancellation = openCancellation([], { clock: systemClock, afterMs: LIMIT_MS, what: `waiting for ${what}` });
    let look = (): void => {};
    try {
      return await abortable<T>((resolve, reject) => {
        look = () => {
          const found = this.seen.find(fits);
          if (found !== undefined) resolve(found);
          else if (!this.#open) reject(this.#broken ?? this.#endedBefore(what));
        };
        this.#looks.add(look);
        look();
        return () => {};
      }, cancellation.signal);
    } finally {
      this.#looks.delete(look);
      cancellation.end();
    }
  }

  #endedBefore(what: string): Error {
    const last = JSON.stringify(this.seen.at(-1), (_, value) => (typeof value === 'bigint' ? String(value) : value));
    return new Error(`the stream ended before ${what}; the last of it was ${last}`);
  }

  async #read(source: AsyncIterable<T>): Promise<unknown> {
    try {
      for await (const item of source) {
        this.seen.push(item);
        this.#wake();
      }
    } catch (error) {
      this.#broken = error;
    }
    this.#open = false;
    this.#wake();
    return this.#broken;
  }

  #wake(): void {
    for (const look of this.#looks) look();
  }
}

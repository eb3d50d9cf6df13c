/** A limited number at a time: whoever comes when all places are taken waits for one, in the order of coming. */
import { abortable } from './signals.ts';

/** A number of places. */
export class Places {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` as soon as there is a place for it. An abort while it waits rejects with its reason. */
  async hold<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#untilFree(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #untilFree(signal: AbortSignal): Promise<void> {
    return abortable<void>((resolve) => {
      this.#waiting.add(resolve);
      return () => this.#waiting.delete(resolve);
    }, signal);
  }

  /** The place goes to the first that waits. */
  #leave(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(first);
    first();
  }
}

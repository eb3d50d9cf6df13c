/** Whether the storage has no room, and who waits to hear of it. */
import { abortable } from '../../core/signals.ts';

/** What an implementation of `Database` knows of its storage. */
export class Fullness {
  #isFull: boolean;
  readonly #waiting = new Set<() => void>();

  /** @param isFull as it is at first */
  constructor(isFull = false) {
    this.#isFull = isFull;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Tells whoever waits when there is no room. */
  set(isFull: boolean): void {
    this.#isFull = isFull;
    if (!isFull) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves when there is no room, at once if there is none. An abort rejects with its reason. */
  until(signal: AbortSignal): Promise<void> {
    return abortable<void>((resolve) => {
      if (this.#isFull) resolve();
      else this.#waiting.add(resolve);
      return () => this.#waiting.delete(resolve);
    }, signal);
  }
}

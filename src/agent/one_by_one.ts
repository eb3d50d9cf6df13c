/** Messages that wait for something, and those behind them: what is about one thing is taken in its order, and nothing else waits. */

/** Takes actions one after the other, by key. */
export class OneByOne {
  readonly #waiting = new Map<string, Promise<void>>();
  readonly #shutdown: AbortSignal;

  /** @param shutdown after its abort, what has waited is not run any more */
  constructor(shutdown: AbortSignal) {
    this.#shutdown = shutdown;
  }

  /**
   * Runs an action, at once unless it has to wait or one before it does.
   * @param until what it waits for; null: nothing. It never rejects
   */
  run(key: string, until: (() => Promise<void>) | null, action: () => void): void {
    const before = this.#waiting.get(key);
    if (before === undefined && until === null) {
      action();
      return;
    }
    const next: Promise<void> = (before ?? Promise.resolve())
      .then(() => until?.())
      .then(() => {
        if (this.#waiting.get(key) === next) this.#waiting.delete(key);
        if (!this.#shutdown.aborted) action();
      });
    this.#waiting.set(key, next);
  }
}

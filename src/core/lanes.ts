/** Things that must not happen at the same time, one after the other; things of different keys side by side. */
export class Lanes {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** True while anything runs or waits. */
  get busy(): boolean {
    return this.#tails.size > 0;
  }

  /** Runs `work` when all earlier work of this key has settled. Its failure is its own. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail: Promise<void> = result.then(
      () => this.#leave(key, tail),
      () => this.#leave(key, tail),
    );
    this.#tails.set(key, tail);
    return result;
  }

  #leave(key: string, tail: Promise<unknown>): void {
    if (this.#tails.get(key) === tail) this.#tails.delete(key);
  }
}

/** Calls that go on until they are answered, whoever leads, and how long the conductors took to refuse those that were not. */
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { sleep } from '../../src/core/signals.ts';

const AGAIN_MS = 300;

/** Makes calls again while no conductor leads or the database is away. The calls must do nothing twice. */
export class Persistence {
  /** How many calls were refused for the moment. */
  refused = 0;
  /** The longest that such a refusal took, in milliseconds; a command waits up to 15 s for a conductor that leads. */
  longestRefusalMs = 0;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * The answer of `call`, which is made again after each error that may pass.
   * @throws the first error that may not, or the reason of the abort
   */
  async until<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      const startedAt = systemClock.monotonic();
      try {
        return await call();
      } catch (thrown) {
        const error = asCountermandError(thrown);
        if (this.#signal.aborted || !error.row.retryable) throw error;
        this.refused += 1;
        this.longestRefusalMs = Math.max(this.longestRefusalMs, systemClock.monotonic() - startedAt);
        await sleep(AGAIN_MS, systemClock, this.#signal);
      }
    }
  }
}

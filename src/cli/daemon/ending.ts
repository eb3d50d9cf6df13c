/** The end of a daemon has one limit: whatever hangs, the process ends, and says what it did not wait for. */
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { onAbort } from '../../core/signals.ts';

/** What the end of a daemon needs. */
interface EndingParts {
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  /** Aborted when the daemon is told to stop: the time counts from then on. */
  readonly signal: AbortSignal;
  readonly limitMs: number;
  /** The process ends when its command does, whatever is open. */
  readonly abandon: () => void;
}

/** Below the 60 s of our units for systemd, with the usual `drain_timeout`. */
const BESIDE_DRAINING_MS = 20_000;

/** How long the end of a conductor may take in all. */
export const endLimitMs = (drainTimeoutMs: number): number => drainTimeoutMs + BESIDE_DRAINING_MS;

/** Where the end of a daemon stands. */
export class Ending {
  #step = 'what was under way';

  /** From now on this is waited for. */
  at(step: string): void {
    this.#step = step;
  }

  /**
   * The result of the whole work of a daemon.
   * @throws what the work throws; TOOK_TOO_LONG if it has not ended in time after the abort: then it is not waited for any more. What is
   *   stored is as after a crash, and carried on with after the next start
   */
  async within<T>(work: Promise<T>, { clock, log, signal, limitMs, abandon }: EndingParts): Promise<T> {
    const { promise: tooLong, reject } = Promise.withResolvers<never>();
    let cancel = (): void => {};
    const unlink = onAbort(signal, () => {
      const timer = clock.after(limitMs, () => {
        log.error({ step: this.#step, limit_ms: limitMs }, 'the shutdown hangs: the process ends without it');
        abandon();
        const seconds = limitMs / 1000;
        reject(fail('TOOK_TOO_LONG', `the shutdown took longer than ${seconds} s: ${this.#step} did not end`));
      });
      cancel = () => timer.cancel();
    });
    try {
      return await Promise.race([work, tooLong]);
    } finally {
      unlink();
      cancel();
      work.catch(() => {});
    }
  }
}

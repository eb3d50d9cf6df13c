/** The time in which a conductor leads: from its election until its database does not answer, or its connection is gone. */
import type { Clock } from '../../../core/clock.ts';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { openCancellation, sleep } from '../../../core/signals.ts';
import { type Watch, watchOver } from '../../../core/watch.ts';
import { LeaderLease } from './election.ts';

/** The error by which a tenure ends. What was answered before stands; what was not may have been done or not. */
export function leadershipLost(why: string): CountermandError {
  return fail(
    'LEADERSHIP_LOST',
    `this conductor ${why}, and leads no more; what was under way goes on under the next one; ask again, orders with the same request_id`,
  );
}

/** What a tenure is made of. */
interface TenureParts {
  /** Calls the listener each time that the connection which holds the lock has answered a statement, with when that was asked. */
  readonly hear: (answered: (askedAt: number) => void) => void;
  readonly clock: Clock;
  /** How long it lasts without an answer. */
  readonly leaseMs: number;
  /**
   * Asks the database something, so that others see that this conductor lives.
   * @param predecessorsEnded to be noted in the row of the owner: nothing acts any more of those that led before
   */
  readonly beat: (predecessorsEnded: boolean) => Promise<void>;
  /** Told once when it is over. */
  readonly over: (error: CountermandError) => void;
}

/** The tenure of one leader. */
export class Tenure {
  readonly #parts: TenureParts;
  readonly #lease: LeaderLease;
  readonly #cancellation = openCancellation([]);
  /** From when on nothing acts any more of those that led before; infinite while that is not known, and once it is noted. */
  #predecessorsEndAt = Number.POSITIVE_INFINITY;

  constructor(parts: TenureParts) {
    const { hear, clock, leaseMs } = parts;
    this.#parts = parts;
    this.#lease = new LeaderLease(leaseMs, clock.monotonic());
    hear((askedAt) => this.#lease.answered(askedAt));
    // It is ended by `objection`.
    const end = (): void => void this.objection();
    void this.#beatOn(watchOver(() => this.restMs(), end, clock, this.#cancellation.signal));
  }

  /** Why it is over; null while it lasts. This needs no timer: a process that was stopped knows it as soon as it goes on. */
  objection(): CountermandError | null {
    const { signal } = this.#cancellation;
    if (signal.aborted) return signal.reason;
    if (this.restMs() > 0) return null;
    this.end(leadershipLost(`has had no answer of its database for ${this.#parts.leaseMs / 1000} s`));
    return signal.reason;
  }

  /** How long it lasts if the database answers nothing more, in milliseconds. */
  restMs(): number {
    return this.#cancellation.signal.aborted ? 0 : this.#lease.restMs(this.#parts.clock.monotonic());
  }

  /** Those that led before may act for `afterMs` milliseconds from now. Whoever leads next finds in the row when that is over. */
  predecessorsEnd(afterMs: number): void {
    this.#predecessorsEndAt = this.#parts.clock.monotonic() + afterMs;
  }

  /** The database is being closed: no listener is told, and no timer is left. */
  close(): void {
    this.#cancellation.abort(leadershipLost('closes its database'));
  }

  /** Ends it; the first reason stands. */
  end(error: CountermandError): void {
    if (this.#cancellation.signal.aborted) return;
    this.#cancellation.abort(error);
    this.#parts.over(error);
  }

  async #beatOn(watch: Watch): Promise<void> {
    const { signal } = this.#cancellation;
    const { clock, leaseMs, beat } = this.#parts;
    while (!signal.aborted) {
      const predecessorsEnded = clock.monotonic() >= this.#predecessorsEndAt;
      const noted = (): void => {
        if (predecessorsEnded) this.#predecessorsEndAt = Number.POSITIVE_INFINITY;
      };
      await beat(predecessorsEnded).then(noted, () => {});
      watch.look();
      await sleep(leaseMs / 3, clock, signal).catch(() => {});
    }
  }
}

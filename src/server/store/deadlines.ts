/** Deadlines stand in rows by the wall clock, so that they outlive the process; while it lives, the wall clock may jump. */
import type { Clock } from '../../core/clock.ts';

/** One deadline as it was first seen. */
interface Seen {
  readonly deadlineAt: number;
  /** When that is, in time that never jumps. */
  readonly monotonicAt: number;
}

/**
 * How long it is until the deadlines of one process's rows. The wall clock is asked once for each, when it is first seen,
 * which is when it is written; from then on time is counted that never jumps. So nothing is given up, or forced, because
 * the clock was set, and nothing waits for an hour more.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#seen.size;
  }

  /**
   * The milliseconds left, below zero if it has passed.
   * @param what whose deadline it is; a thing has one at a time, and another one takes its place
   * @param deadlineAt by the wall clock, in milliseconds since 1970
   */
  leftMs(what: string, deadlineAt: number): number {
    const monotonicNow = this.#clock.monotonic();
    const seen = this.#seen.get(what);
    if (seen?.deadlineAt === deadlineAt) return seen.monotonicAt - monotonicNow;
    const leftMs = deadlineAt - this.#clock.now();
    this.#seen.set(what, { deadlineAt, monotonicAt: monotonicNow + leftMs });
    return leftMs;
  }

  /** True if it has passed. What has no deadline is never past. */
  isPast(what: string, deadlineAt: number | null): boolean {
    return deadlineAt !== null && this.leftMs(what, deadlineAt) <= 0;
  }

  /** It does not matter any more. */
  forget(what: string): void {
    this.#seen.delete(what);
  }
}

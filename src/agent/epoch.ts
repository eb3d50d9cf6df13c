/** Which conductors an agent believes, where several may lead one after the other. */
import type { Clock } from '../core/clock.ts';

/** The newest epoch that an agent has heard of. */
export class Epoch {
  readonly #clock: Clock;
  #newest = 0;
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * True if a conductor of this epoch may be believed now, which is then noted. One of an older epoch may not, unless nothing was
   * heard of the newer one for `leaseMs`: a database that was restored from a backup counts from an older number.
   */
  admits(epoch: number, leaseMs: number): boolean {
    const now = this.#clock.monotonic();
    if (epoch < this.#newest && now - this.#heardAt < leaseMs) return false;
    this.#newest = epoch;
    this.#heardAt = now;
    return true;
  }
}

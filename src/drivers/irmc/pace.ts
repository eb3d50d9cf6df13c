/** The rest that an iRMC needs after some SCCI commands: in a tight sequence it answers with error 5. */
import type { Clock } from '../../core/clock.ts';
import { sleep, throwIfOver } from '../../core/signals.ts';

/** Rests, by iRMC. Nothing is kept of one that has rested. */
export class Pace {
  readonly #clock: Clock;
  readonly #restedAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs `send` when the iRMC has rested from the last command, and lets it rest for `restMs` afterwards, whatever came of it.
   * At an abort while it rests, nothing is sent; it rejects with the reason.
   */
  async hold<T>(irmc: string, restMs: number, send: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const waitMs = (this.#restedAt.get(irmc) ?? Number.NEGATIVE_INFINITY) - this.#clock.monotonic();
    if (waitMs > 0) await sleep(waitMs, this.#clock, signal);
    throwIfOver(signal);
    try {
      return await send();
    } finally {
      this.#rest(irmc, restMs);
    }
  }

  #rest(irmc: string, restMs: number): void {
    // Rests are equally long: those that are over stand first.
    for (const [other, at] of this.#restedAt) {
      if (at > this.#clock.monotonic()) break;
      this.#restedAt.delete(other);
    }
    this.#restedAt.delete(irmc);
    if (restMs > 0) this.#restedAt.set(irmc, this.#clock.monotonic() + restMs);
  }
}

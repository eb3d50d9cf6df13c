/** How long an agent may act on what it was told: as long as it has heard from its conductor lately. */
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';

/** The lease of one agent. Time is the agent's own and never jumps. */
export class Lease {
  readonly #clock: Clock;
  #leaseMs = 0;
  #heardAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The conductor said how long the lease is. */
  setLength(leaseMs: number): void {
    this.#leaseMs = leaseMs;
  }

  /** A message of the conductor has come. */
  renew(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  /** For how long nothing was heard, in milliseconds. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#heardAt;
  }

  /**
   * Call it just before something is sent to a BMC.
   * @throws ATTACHMENT_ENDED if the lease has run out: another agent may be in charge by now
   */
  check(): void {
    if (this.silentMs < this.#leaseMs) return;
    throw fail(
      'ATTACHMENT_ENDED',
      'the agent has not heard from its conductor for longer than agent_lease; it sends nothing',
    );
  }
}

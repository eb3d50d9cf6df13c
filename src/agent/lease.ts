/** How long an agent may act on what it was told: as long as it has heard from its conductor lately. */
import type { Clock, Timer } from '../core/clock.ts';
import { type CountermandError, fail } from '../core/errors.ts';
import { type Cancellation, onlyWhile, openCancellation } from '../core/signals.ts';

/** The lease of one agent. Time is the agent's own and never jumps. */
export class Lease {
  readonly #clock: Clock;
  readonly #leadsForMs: () => number;
  #leaseMs = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #isAttached = false;
  #guarded = new Set<Cancellation>();
  #timer: Timer | null = null;

  /** @param leadsForMs how long the conductor of the same process certainly leads: an agent inside it acts no longer */
  constructor(clock: Clock, leadsForMs: () => number = () => Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#leadsForMs = leadsForMs;
  }

  /** The conductor said how long the lease is. */
  setLength(leaseMs: number): void {
    this.#leaseMs = leaseMs;
  }

  /** A message of the conductor has come. */
  renew(): void {
    this.#heardAt = this.#clock.monotonic();
  }

  /** A conductor has welcomed the agent, until the stream ends. */
  attach(): void {
    this.#isAttached = true;
  }

  /** The stream has ended. The lease runs on. */
  detach(): void {
    this.#isAttached = false;
  }

  /** True while there is a stream on which a conductor can give leave to send. */
  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** For how long nothing was heard, in milliseconds. */
  get silentMs(): number {
    return this.#clock.monotonic() - this.#heardAt;
  }

  /**
   * Runs a sending under a signal that is also aborted when the lease runs out meanwhile: another agent may then be
   * in charge, and a command that still waits for its BMC must not go out. Drivers ask `throwIfOver` before they send.
   * @throws NOT_SENT_IN_TIME, without running it, if the lease has run out already, and where a driver finds that right before it sends;
   *   ATTACHMENT_ENDED if the lease runs out later: then the order may have been sent
   */
  async guard<T>(send: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#restMs <= 0) throw overdue();
    const cancellation = openCancellation([signal]);
    onlyWhile(cancellation.signal, () => (this.#restMs > 0 ? null : overdue()));
    this.#guarded.add(cancellation);
    this.#watch();
    try {
      return await send(cancellation.signal);
    } finally {
      this.#guarded.delete(cancellation);
      cancellation.end();
      if (this.#guarded.size === 0) this.#timer?.cancel();
      if (this.#guarded.size === 0) this.#timer = null;
    }
  }

  get #restMs(): number {
    return Math.min(this.#leaseMs - this.silentMs, this.#leadsForMs());
  }

  #watch(): void {
    if (this.#timer !== null) return;
    this.#timer = this.#clock.after(this.#restMs, () => {
      this.#timer = null;
      if (this.#restMs > 0) this.#watch();
      else for (const cancellation of this.#guarded) cancellation.abort(runOut());
    });
  }
}

const WHY = 'the agent has not heard from its conductor for longer than agent_lease';

const runOut = (): CountermandError => fail('ATTACHMENT_ENDED', `${WHY}; it sends nothing`);
const overdue = (): CountermandError => fail('NOT_SENT_IN_TIME', `${WHY}; nothing was sent`);

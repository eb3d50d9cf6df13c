/**
 * When a conductor may lead, as arithmetic. The two sides never compare their clocks: the leader counts from the moment at which it
 * asked the last statement that was answered, a stand-by from the moment at which it last saw the leader's session do something,
 * which is later. So the leader has stopped before the stand-by acts.
 */

/** Clocks of two hosts may run at speeds that differ by less than this. */
const DRIFT = 1.05;

/** What a stand-by does about the leader that it sees. */
type Verdict = 'wait' | 'end';

/** How long a stand-by bears with a leader that does nothing. */
export class Patience {
  readonly #leaseMs: number;
  #pulse: string | null = null;
  #changedAt = 0;
  /** It was ended by this stand-by, and not seen since. */
  #isEnded = false;
  /** From here on it is given its lease: the change, or the last time that it was ended. */
  #since = 0;

  /** @param leaseMs how long the leader may lead without an answer of the database */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs * DRIFT;
  }

  /**
   * What to do about the leader whose pulse is seen at `now`. After `end`, it is given the same time again.
   * @param pulse another text each time that the leader has done something
   */
  saw(pulse: string, now: number): Verdict {
    const isChange = pulse !== this.#pulse;
    this.#isEnded = false;
    if (!isChange && now - this.#since < this.#leaseMs) return 'wait';
    this.#pulse = pulse;
    this.#since = now;
    if (isChange) this.#changedAt = now;
    this.#isEnded = !isChange;
    return isChange ? 'wait' : 'end';
  }

  /**
   * For how long after `now` those may still act that led before, as they may not have noticed that their time is over. The last one may
   * have been answered until a moment ago if its session has ended otherwise than by this stand-by; those before it until they were
   * followed, which is earlier than now.
   * @param hasEnded nothing of the last one acts any more
   * @param predecessorsEnded nor anything of those before it
   */
  mayActMs(now: number, { hasEnded, predecessorsEnded }: { hasEnded: boolean; predecessorsEnded: boolean }): number {
    if (!predecessorsEnded) return this.#leaseMs;
    if (hasEnded) return 0;
    return this.#isEnded ? Math.max(0, this.#changedAt + this.#leaseMs - now) : this.#leaseMs;
  }
}

/** For how long a leader may lead without an answer of the database. */
export class LeaderLease {
  readonly #leaseMs: number;
  /** When the newest of the statements that were answered was asked. */
  #askedAt: number;

  constructor(leaseMs: number, now: number) {
    this.#leaseMs = leaseMs;
    this.#askedAt = now;
  }

  /**
   * The database has answered a statement. The lease counts from when that was asked: when the database did it, and others saw so, is
   * not known, and the answer may have taken long.
   */
  answered(askedAt: number): void {
    this.#askedAt = Math.max(this.#askedAt, askedAt);
  }

  /** How long it lasts, in milliseconds; 0 if it is over. */
  restMs(now: number): number {
    return Math.max(0, this.#askedAt + this.#leaseMs - now);
  }
}

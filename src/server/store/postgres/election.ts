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
  readonly #usualMs: number;
  #pulse: string | null = null;
  #changedAt = 0;
  /** It was ended by this stand-by, and not seen since. */
  #isEnded = false;
  /** From here on it is given its lease: the change, or the last time that it was ended. */
  #since = 0;

  /** @param usualMs how long a leader that has not said so may lead without an answer of the database */
  constructor(usualMs: number) {
    this.#usualMs = usualMs;
  }

  /**
   * What to do about the leader whose pulse is seen at `now`. After `end`, it is given the same time again.
   * @param pulse another text each time that the leader has done something
   * @param leaseMs how long it may lead without an answer: it may have been started with another lease than this conductor; null if it
   *   has not said
   */
  saw(pulse: string, now: number, leaseMs: number | null): Verdict {
    const isChange = pulse !== this.#pulse;
    this.#isEnded = false;
    if (!isChange && now - this.#since < this.#bearMs(leaseMs)) return 'wait';
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
   * @param leaseMs the longest lease of all of them; null if that is not known
   */
  mayActMs(
    now: number,
    {
      hasEnded,
      predecessorsEnded,
      leaseMs,
    }: { readonly hasEnded: boolean; readonly predecessorsEnded: boolean; readonly leaseMs: number | null },
  ): number {
    const bearMs = this.#bearMs(leaseMs);
    if (!predecessorsEnded) return bearMs;
    if (hasEnded) return 0;
    return this.#isEnded ? Math.max(0, this.#changedAt + bearMs - now) : bearMs;
  }

  #bearMs(leaseMs: number | null): number {
    return (leaseMs ?? this.#usualMs) * DRIFT;
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

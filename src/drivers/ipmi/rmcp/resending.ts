/** When a question is asked again, and when it is given up. Pure: time comes in. */

/** How long one question is worth waiting for. */
export interface Patience {
  /** When it is asked again, in milliseconds since it was asked first; empty for what is asked once. */
  readonly resendAfterMs: readonly number[];
  /** When no caller waits any more. */
  readonly limitMs: number;
}

/**
 * Patience with a BMC that has taken `roundTripMs` for its last answer. Whoever asks a slow BMC again before it can have
 * answered only makes it slower, and some begin a login anew at each question.
 */
export function patienceWith({ resendAfterMs, limitMs }: Patience, roundTripMs: number): Patience {
  return { resendAfterMs: resendAfterMs.map((ms) => ms + 2 * roundTripMs), limitMs: limitMs + 3 * roundTripMs };
}

/** What the time makes of a question. */
type Due = 'wait' | 'ask again' | 'give up';

/** One question on its way. */
export class Resending {
  readonly #patience: Patience;
  readonly #askedAt: number;
  #resent = 0;

  constructor(patience: Patience, nowMs: number) {
    this.#patience = patience;
    this.#askedAt = nowMs;
  }

  /** Whether it was asked more than once. */
  get wasResent(): boolean {
    return this.#resent > 0;
  }

  /** How long it is on its way, in milliseconds. */
  ageMs(nowMs: number): number {
    return nowMs - this.#askedAt;
  }

  /** When to look again. */
  get wakeAt(): number {
    const { resendAfterMs, limitMs } = this.#patience;
    return this.#askedAt + Math.min(resendAfterMs[this.#resent] ?? limitMs, limitMs);
  }

  /** What to do now. Each `ask again` is told once. */
  due(nowMs: number): Due {
    if (nowMs >= this.#askedAt + this.#patience.limitMs) return 'give up';
    if (nowMs < this.wakeAt) return 'wait';
    // Whoever comes late asks once, not once for each time that was missed.
    while (nowMs >= this.wakeAt && this.#resent < this.#patience.resendAfterMs.length) this.#resent += 1;
    return 'ask again';
  }
}

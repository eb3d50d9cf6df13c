/** How much one caller may ask for at a time, so that one program that has run wild leaves the conductor to all others. */
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, failWith } from '../../core/errors.ts';

/** What one identity may use at a time. */
interface BudgetLimits {
  /** Calls per second, and as many at once after a rest. */
  readonly identity_calls: number;
  /** Open streams. */
  readonly identity_streams: number;
}

/** Callers that have called lately. Those that are at rest are forgotten when there are more. */
const KNOWN_LIMIT = 10_000;

interface Account {
  /** Calls that it may make now. */
  calls: number;
  /** When `calls` was right. */
  at: number;
  streams: number;
}

/** What each identity has used of its limits. */
export class Budgets {
  readonly #limits: BudgetLimits;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(limits: BudgetLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts a call. @throws IDENTITY_LIMIT */
  spend(name: string): void {
    const { identity_calls: limit } = this.#limits;
    const account = this.#accountOf(name);
    if (account.calls < 1)
      throw exceeded(name, 'identity_calls', `${limit} calls per second`, ((1 - account.calls) / limit) * 1000);
    account.calls -= 1;
  }

  /** Counts a stream until the returned call. @throws IDENTITY_LIMIT */
  enter(name: string): () => void {
    const { identity_streams: limit } = this.#limits;
    const account = this.#accountOf(name);
    if (account.streams >= limit) throw exceeded(name, 'identity_streams', `${limit} open streams`, RETRY_MS);
    account.streams += 1;
    return () => {
      account.streams -= 1;
    };
  }

  #accountOf(name: string): Account {
    const { identity_calls: limit } = this.#limits;
    const now = this.#clock.monotonic();
    const known = this.#accounts.get(name);
    if (known === undefined && this.#accounts.size >= KNOWN_LIMIT) this.#forgetResting(now);
    const account = known ?? { calls: limit, at: now, streams: 0 };
    account.calls = Math.min(limit, account.calls + ((now - account.at) / 1000) * limit);
    account.at = now;
    this.#accounts.set(name, account);
    return account;
  }

  #forgetResting(now: number): void {
    for (const [name, { at, streams }] of this.#accounts)
      if (streams === 0 && now - at >= 1000) this.#accounts.delete(name);
  }
}

/** When to look again whether something of one's own has ended. */
const RETRY_MS = 1000;

/** @param retryMs when the same call may be accepted */
function exceeded(name: string, limit: string, what: string, retryMs: number): CountermandError {
  const sentence = `${name} has reached its limit of ${what} (${limit}); nothing was done; aborts and cancels still work; try again later`;
  return failWith('IDENTITY_LIMIT', sentence, { facts: { limit }, retryAfterMs: Math.ceil(retryMs) });
}

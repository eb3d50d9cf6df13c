/**
 * Logins that BMCs have refused. To try a wrong password again and again locks accounts, so no reader that shares this object does:
 * orders, readings and probes of every node fail without contact until a back-off has passed, which doubles up to an hour.
 * Another secret is tried at once, and so is a login that an operator asks for.
 */
import type { Clock } from '../core/clock.ts';
import { digestOf } from '../core/digest.ts';
import { CountermandError, fail, REFUSED_LOGINS } from '../core/errors.ts';

/** Who logs in, and where. */
export interface Account {
  /** The BMC: whatever way and driver lead to it (`bmcOf`). */
  readonly bmc: string;
  readonly user: string;
  /** How the BMC is spoken to. A user that is unknown may be known on another way; a wrong password is wrong on all. */
  readonly way: 'IPMI' | 'HTTP' | 'SNMP';
  /** Passwords and keys, as one text. Another one is another try. */
  readonly secret: string;
}

/** The first wait after a refused login, and the longest. */
export const LOGIN_BACK_OFF_MS = { first: 60_000, last: 3_600_000 } as const;
/** More than one agent has BMCs. */
const REMEMBERED_LIMIT = 50_000;

interface Refusal {
  /** Digests of the secrets that were refused. */
  readonly secrets: Set<string>;
  /** When the first was refused, in milliseconds since 1970. */
  readonly since: number;
  count: number;
  /** Monotonic time of the next try. */
  nextAt: number;
  error: CountermandError;
  /** An operator asks for one try. */
  granted: boolean;
  /** A try is under way. */
  trying: boolean;
}

/** The refused logins of one agent. */
export class Logins {
  readonly #clock: Clock;
  readonly #refusals = new Map<string, Refusal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a login would fail without contact now. */
  isHeld(account: Account): boolean {
    return this.#refusalsOf(account).some((refusal) => this.#holds(refusal, account));
  }

  /**
   * Runs `work`, which logs in, unless the login was refused and is not to be tried again yet.
   * @throws the refusal, with the code of the BMC, since when, and the time of the next try; what `work` throws
   */
  async attempt<T>(account: Account, work: () => Promise<T>): Promise<T> {
    const refusals = this.#refusalsOf(account);
    const held = refusals.find((refusal) => this.#holds(refusal, account));
    if (held) throw held.error;
    const tried = refusals.filter(({ secrets }) => secrets.has(digestOf(account.secret)));
    for (const refusal of refusals) refusal.granted = false;
    for (const refusal of tried) refusal.trying = true;
    const counts = new Map(refusals.map((refusal) => [refusal, refusal.count]));
    try {
      const answer = await work();
      this.#accepted(account);
      return answer;
    } catch (thrown) {
      if (thrown instanceof CountermandError && REFUSED_LOGINS.includes(thrown.code))
        throw this.#refused(account, thrown, counts);
      throw thrown;
    } finally {
      for (const refusal of tried) refusal.trying = false;
    }
  }

  /** An operator asks: the next login is tried, even if one was refused a moment ago. */
  allow(account: Account): void {
    const digest = digestOf(account.secret);
    for (const refusal of this.#refusalsOf(account)) if (refusal.secrets.has(digest)) refusal.granted = true;
  }

  #holds({ secrets, trying, granted, nextAt }: Refusal, { secret }: Account): boolean {
    if (!trying && (granted || this.#clock.monotonic() >= nextAt)) return false;
    return secrets.has(digestOf(secret));
  }

  /** Of the account, and of its user on this way. */
  #refusalsOf(account: Account): Refusal[] {
    if (this.#refusals.size === 0) return [];
    const found = [this.#refusals.get(keyOf(account)), this.#refusals.get(wayKeyOf(account))];
    return found.filter((refusal) => refusal !== undefined);
  }

  #accepted(account: Account): void {
    if (this.#refusals.size === 0) return;
    for (const key of [keyOf(account), wayKeyOf(account)]) {
      const refusal = this.#refusals.get(key);
      refusal?.secrets.delete(digestOf(account.secret));
      // Other nodes may still have a secret that was refused.
      if (refusal?.secrets.size === 0) this.#refusals.delete(key);
    }
  }

  #refused(account: Account, error: CountermandError, counts: ReadonlyMap<Refusal, number>): CountermandError {
    const key = error.code === 'BMC_USER_UNKNOWN' ? wayKeyOf(account) : keyOf(account);
    const now = this.#clock.monotonic();
    const fresh = { secrets: new Set<string>(), since: this.#clock.now(), count: 0, nextAt: now, error };
    const refusal = this.#refusals.get(key) ?? { ...fresh, granted: false, trying: false };
    refusal.secrets.add(digestOf(account.secret));
    // Two that were begun at the same time are one try.
    if (refusal.count === (counts.get(refusal) ?? 0)) {
      const waitMs = Math.min(LOGIN_BACK_OFF_MS.first * 2 ** refusal.count, LOGIN_BACK_OFF_MS.last);
      refusal.count += 1;
      refusal.nextAt = now + waitMs;
      refusal.error = fail(error.code, sentenceOf(error, refusal.since, this.#clock.now() + waitMs), error);
    }
    this.#remember(key, refusal);
    return refusal.error;
  }

  #remember(key: string, refusal: Refusal): void {
    this.#refusals.delete(key);
    this.#refusals.set(key, refusal);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > REMEMBERED_LIMIT && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

const keyOf = ({ bmc, user }: Account): string => JSON.stringify([bmc, user]);
const wayKeyOf = ({ bmc, user, way }: Account): string => JSON.stringify([bmc, user, way]);

function sentenceOf({ message }: CountermandError, since: number, nextAt: number): string {
  const time = (at: number): string => new Date(at).toISOString();
  return (
    `${message}. It has refused the login since ${time(since)}, and the next try is at ${time(nextAt)}, so that the account ` +
    'is not locked; correct driver_info, or refresh the node to try now'
  );
}

/**
 * Which cipher suite a BMC is spoken to with, where driver_info names none: 17 is tried first, then 3. Only the opening of a session
 * is tried again, and only after the BMC has refused the suite: it has no order then. Silence says nothing about a suite.
 */
import { CountermandError, fail } from '../../core/errors.ts';
import { untilAborted } from '../../core/signals.ts';
import type { IpmiInfo } from './info.ts';
import type { CipherSuiteId } from './rmcp/cipher_suites.ts';

const [BEST, OTHER] = [17, 3] as const;
/** How many BMCs are remembered. */
const MOST_REMEMBERED = 50_000;

/** Remembers for each BMC the suite that it took. */
export class Suites {
  readonly #known = new Map<string, CipherSuiteId>();
  /** The first attempts that are under way, by BMC. */
  readonly #learning = new Map<string, Promise<unknown>>();

  /**
   * Runs `attempt` with the suite that `info` names; if it names none, with the one that the BMC is known to take, and once more with
   * the other if the BMC refuses that one. Of several at once at a BMC that is not known yet, the others wait for the first.
   * @param bmc the same for the same BMC
   * @throws what `attempt` throws; BMC_CIPHER_REFUSED if both suites are refused; the reason of the abort
   */
  async attempt<T>(
    { ipmi_cipher_suite: named }: IpmiInfo,
    bmc: string,
    attempt: (suite: CipherSuiteId) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    if (named !== undefined) return attempt(named === '3' ? 3 : 17);
    for (let first = this.#learning.get(bmc); first !== undefined; first = this.#learning.get(bmc))
      await untilAborted(first, signal);
    if (this.#known.has(bmc)) return this.#tryBoth(bmc, attempt);
    const learned = this.#tryBoth(bmc, attempt);
    // Those who wait only wait for its end.
    const over = learned.then(
      () => {},
      () => {},
    );
    this.#learning.set(bmc, over);
    return learned.finally(() => this.#learning.delete(bmc));
  }

  async #tryBoth<T>(bmc: string, attempt: (suite: CipherSuiteId) => Promise<T>): Promise<T> {
    const suite = this.#known.get(bmc) ?? BEST;
    const other = suite === BEST ? OTHER : BEST;
    try {
      const answer = await attempt(suite);
      this.#remember(bmc, suite);
      return answer;
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    try {
      const answer = await attempt(other);
      this.#remember(bmc, other);
      return answer;
    } catch (error) {
      if (!isRefusal(error)) this.#remember(bmc, other);
      throw isRefusal(error) ? fail(error.code, `${error.message}. It refuses both suites, 17 and 3`, error) : error;
    }
  }

  #remember(bmc: string, suite: CipherSuiteId): void {
    if (this.#known.get(bmc) === suite) return;
    this.#known.set(bmc, suite);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}

function isRefusal(error: unknown): error is CountermandError {
  return error instanceof CountermandError && error.code === 'BMC_CIPHER_REFUSED';
}

/** What an acceptance suite shows, one line for each check. */
import { isDeepStrictEqual } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';

/** Ends a check that hangs. */
const LIMIT_MS = 15 * 60_000;

/** Runs checks and counts them. */
export class Checks {
  readonly done: { readonly name: string; readonly passed: boolean; readonly seconds: number }[] = [];
  readonly #only: RegExp;
  readonly #say: (line: string) => void;
  readonly #signal: AbortSignal;

  /** @param only checks whose name it does not match are left out @param say takes the lines */
  constructor(only: RegExp, say: (line: string) => void, signal: AbortSignal) {
    this.#only = only;
    this.#say = say;
    this.#signal = signal;
  }

  /** How many have passed, or failed. */
  count(passed: boolean): number {
    return this.done.filter((each) => each.passed === passed).length;
  }

  /** Runs one check; one that fails stops no other. @throws the reason of the abort only */
  async check(name: string, body: () => Promise<void>): Promise<void> {
    if (!this.#only.test(name)) return;
    const startedAt = systemClock.monotonic();
    const limit = { clock: systemClock, afterMs: LIMIT_MS, what: `the check '${name}'` };
    const cancellation = openCancellation([this.#signal], limit);
    const late = new Promise<never>((_, reject) => {
      cancellation.signal.addEventListener('abort', () => reject(cancellation.signal.reason), { once: true });
    });
    late.catch(() => {});
    const end = (passed: boolean, more: string): void => {
      const seconds = (systemClock.monotonic() - startedAt) / 1000;
      this.done.push({ name, passed, seconds });
      this.#say(`${passed ? 'ok    ' : 'FAILED'} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${name}${more}`);
    };
    try {
      await Promise.race([body(), late]);
      end(true, '');
    } catch (thrown) {
      if (this.#signal.aborted) throw this.#signal.reason;
      const { code, message } = asCountermandError(thrown);
      end(false, `\n         ${code === 'INTERNAL' ? '' : `${code}: `}${message}`);
    } finally {
      cancellation.end();
    }
  }
}

/** @throws an Error that says what was seen and what was expected */
export function same(seen: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(seen, expected)) return;
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, seen ${JSON.stringify(seen)}`);
}

/** @throws an Error that says what was seen instead of a text that matches */
export function matches(seen: string, expected: RegExp, what: string): void {
  if (!expected.test(seen)) throw new Error(`${what}: expected ${expected}, seen ${JSON.stringify(seen)}`);
}

/** How far what a BMC says can be believed: one that was away may say what is not so for a while after it is back. */
import type { Clock } from '../core/clock.ts';
import { asCountermandError } from '../core/errors.ts';
import type { OnOff, Reading } from '../core/power.ts';
import type { Driver } from '../drivers/driver.ts';

/**
 * For how long after it came back a BMC is not believed. An OpenBMC that had started anew said `off` of a host that ran, for 12 s
 * (openbmc#1810).
 */
export const SETTLE_MS = 15_000;

/** What is known of one BMC: whether it was away, and what it has said since. */
export class Trust {
  readonly #clock: Clock;
  /** The last reading failed. */
  #away = false;
  /** When it was first read after it was away, by the clock that never jumps; null while it is believed. */
  #backAt: number | null = null;
  #last: OnOff | null = null;
  #sessionsLost: number | null = null;
  /** What it last said for certain. */
  #certain: OnOff | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It could not be read. */
  failed(): void {
    this.#away = true;
  }

  /**
   * It was read. The reading comes back doubtful if the BMC was away, or has lost a session, and has not said the same since for
   * `SETTLE_MS`. A driver that knows more says so by a reading that is doubtful already.
   */
  judge({ doubt, ...reading }: Reading): Reading {
    const now = this.#clock.monotonic();
    const { powerState, sessionsLost = this.#sessionsLost } = reading;
    const lost = this.#sessionsLost !== null && sessionsLost !== this.#sessionsLost;
    this.#sessionsLost = sessionsLost;
    // A BMC that loses every session would never be believed if each loss began anew.
    if (this.#away || (this.#backAt === null && (lost || doubt !== undefined))) {
      this.#backAt = now;
      this.#last = null;
    }
    this.#away = false;
    const confirmed = this.#backAt === null || (now - this.#backAt >= SETTLE_MS && this.#last === powerState);
    this.#last = powerState;
    if (!confirmed) return { ...reading, doubt: { before: this.#certain } };
    this.#backAt = null;
    this.#certain = powerState;
    return reading;
  }
}

/** The driver of one BMC, whose readings are judged. */
export function withTrust(driver: Driver, trust: Trust): Driver {
  return {
    ...driver,
    async getPowerState(bmc, signal) {
      try {
        return trust.judge(await driver.getPowerState(bmc, signal));
      } catch (thrown) {
        // Whatever else fails is about the agent, not about the BMC.
        if (!signal.aborted && asCountermandError(thrown).code.startsWith('BMC_')) trust.failed();
        throw thrown;
      }
    },
  };
}

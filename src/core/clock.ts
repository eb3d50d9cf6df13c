/** Time as an argument. Nothing else in the product reads a clock or sets a timer. */

/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Where a part of the product gets its time from; tests turn a virtual one by hand. */
export interface Clock {
  /** Milliseconds since 1970, for what is stored and shown. May jump. */
  now(): number;
  /** Milliseconds since some moment, for measuring. Never jumps. */
  monotonic(): number;
  /** Runs `action` once, `delayMs` from now; at once if that is not positive. */
  after(delayMs: number, action: () => void): Timer;
}

/** setTimeout's own limit; longer delays are walked in steps. */
const LONGEST_STEP_MS = 2 ** 31 - 1;

function systemAfter(delayMs: number, action: () => void): Timer {
  let handle: NodeJS.Timeout;
  const step = (restMs: number): void => {
    const stepMs = Math.min(Math.max(restMs, 0), LONGEST_STEP_MS);
    handle = setTimeout(() => (restMs > stepMs ? step(restMs - stepMs) : action()), stepMs);
  };
  step(delayMs);
  return { cancel: () => clearTimeout(handle) };
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: systemAfter,
};

/**
 * True if a stored time is less than `ms` away from `now`, before or after. One that is further ahead was written before the clock
 * was set back: how long ago that was is not known.
 */
export const isWithin = (ms: number, at: number, now: number): boolean => Math.abs(now - at) < ms;

/** Lets all that has already arrived over sockets be taken up first. No time passes, so no clock is needed. */
export function othersFirst(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

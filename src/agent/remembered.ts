/** What an agent knows of nodes and BMCs, for as long as they are used: those that were deleted must not stay for ever. */
import type { Clock } from '../core/clock.ts';

/** How long what is not used is remembered. A node is read every few minutes; no message is under way for a day. */
export const REMEMBERED_MS = 24 * 3600 * 1000;
/** Below this many entries, none is looked for that could go. */
export const FIRST_SWEEP = 1000;

/**
 * Values by key. A value that was neither read nor written for `REMEMBERED_MS` is forgotten when the number of entries has
 * doubled since the last look, so a use costs the same however many there are.
 */
export class Remembered<Value> {
  readonly #clock: Clock;
  /** The one that was used longest ago is the first. */
  readonly #entries = new Map<string, { value: Value; usedAt: number }>();
  #sweepAt = FIRST_SWEEP;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry) this.set(key, entry.value);
    return entry?.value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, usedAt: this.#clock.monotonic() });
    if (this.#entries.size >= this.#sweepAt) this.#sweep();
  }

  #sweep(): void {
    const since = this.#clock.monotonic() - REMEMBERED_MS;
    for (const [key, { usedAt }] of this.#entries) {
      if (usedAt >= since) break;
      this.#entries.delete(key);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#entries.size * 2);
  }
}

import type { Clock } from '../../src/core/clock.ts';

/** A clock that stands still until it is moved on by hand. It has no timers: for what only reads the time. */
export class HandClock implements Clock {
  #elapsed = 0;

  now(): number {
    return Date.UTC(2026, 0, 2, 3, 4, 5) + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(): never {
    throw new Error('a clock that is moved by hand has no timers');
  }

  moveOn(ms: number): void {
    this.#elapsed += ms;
  }
}

import type { Clock, Timer } from '../../src/core/clock.ts';

interface Alarm {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** Far more than the largest plan needs to settle: what is still busy then waits for something that never comes. */
const LOOKS_LIMIT = 5_000_000;

/** A clock that stands still until it is turned. Between two timers everything that can run has run. */
export class VirtualClock implements Clock {
  /** Friday, 2026-01-02 03:04:05 UTC. */
  #epoch = Date.UTC(2026, 0, 2, 3, 4, 5);
  #forwardMs = 0;
  #backMs = 0;
  #elapsed = 0;
  #order = 0;
  #turning = 0;
  #alarms = new Set<Alarm>();
  readonly #busy: () => boolean;
  readonly #looksLimit: number;

  /**
   * @param busy true while the system works on something that needs no timer
   * @param looksLimit after this many looks at a system that is still busy, `settle` throws
   */
  constructor(busy: () => boolean = () => false, looksLimit = LOOKS_LIMIT) {
    this.#busy = busy;
    this.#looksLimit = looksLimit;
  }

  now(): number {
    return this.#epoch + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  /** The wall clock is set. Timers go on as if nothing had happened. */
  jump(ms: number): void {
    this.#epoch += ms;
    if (ms > 0) this.#forwardMs += ms;
    else this.#backMs -= ms;
  }

  /** The clocks of processes differ by this at most: to what one has written, another one's clock is as if it had been set. */
  differ(ms: number): void {
    this.#forwardMs += ms;
    this.#backMs += ms;
  }

  /** By how much the wall clock was set forward, and back, in all: how far what it says may be off. */
  get set(): { readonly forwardMs: number; readonly backMs: number } {
    return { forwardMs: this.#forwardMs, backMs: this.#backMs };
  }

  after(delayMs: number, action: () => void): Timer {
    this.#order += 1;
    const alarm = { at: this.#elapsed + Math.max(0, delayMs), order: this.#order, action };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#alarms.size;
  }

  /** Lets run what can run without the time going on. */
  async settle(): Promise<void> {
    let looks = 0;
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      looks += 1;
      if (looks > this.#looksLimit) throw new Error(`still busy after ${this.#looksLimit} turns of the event loop`);
      if (this.#busy()) quiet = -1;
    }
  }

  /** Turns the clock by `ms`, firing each timer at its time. `step` runs after each. */
  async turn(ms: number, step: () => void | Promise<void> = () => {}): Promise<void> {
    const until = this.#elapsed + ms;
    this.#turning += 1;
    try {
      await this.settle();
      for (let next = this.#next(until); next; next = this.#next(until)) {
        await this.#fire(next);
        await step();
      }
      this.#elapsed = until;
    } finally {
      this.#turning -= 1;
    }
  }

  /** Turns the clock from timer to timer until `reached` is true, but no further than `limitMs`. */
  async turnUntil(reached: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
    const until = this.#elapsed + limitMs;
    this.#turning += 1;
    try {
      await this.settle();
      while (!(await reached())) {
        const next = this.#next(until);
        if (!next) throw new Error(`not reached within ${limitMs} ms of virtual time`);
        await this.#fire(next);
      }
    } finally {
      this.#turning -= 1;
    }
  }

  /** The result of work that may turn the clock itself. Where it only waits, the clock is turned from timer to timer. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    for (let looks = 0; !isSettled; looks += 1) {
      await this.settle();
      const next = this.#next(Number.POSITIVE_INFINITY);
      if (isSettled || this.#turning > 0) continue;
      if (next) await this.#fire(next);
      else if (looks > this.#looksLimit) throw new Error('it waits for what nothing will do');
    }
    return work;
  }

  async #fire(alarm: Alarm): Promise<void> {
    this.#elapsed = alarm.at;
    this.#alarms.delete(alarm);
    alarm.action();
    await this.settle();
  }

  #next(until: number): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.at > until) continue;
      if (!first || alarm.at < first.at || (alarm.at === first.at && alarm.order < first.order)) first = alarm;
    }
    return first;
  }
}

import { type Clock, systemClock, type Timer } from '../../src/core/clock.ts';
import { eventually } from './eventually.ts';
import { nextLook, type Stillness } from './stillness.ts';

/** Timers up to this are pauses of a protocol; longer ones are timeouts: the shortest of those is 500 ms, until a question is asked again. */
const PAUSE_MS = 400;
/** A counterpart may sleep for less than these looks take before it answers. */
const QUIET_LOOKS = 6;

interface Alarm {
  readonly at: number;
  readonly action: () => void;
  /** Runs in real time, if it is a pause. */
  real: Timer | null;
}

/**
 * A clock for drivers that speak to real counterparts. Pauses run in real time. Timeouts stand still until a test lets them
 * pass, so a counterpart that is slow is never taken for one that is silent, and what ends by itself needed no timeout.
 */
export class PatientClock implements Clock {
  #elapsedMs = 0;
  #changes = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return Date.UTC(2026, 0, 2) + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const alarm: Alarm = { at: this.#elapsedMs + Math.max(0, delayMs), action, real: null };
    this.#alarms.add(alarm);
    this.#changes += 1;
    if (delayMs <= PAUSE_MS) alarm.real = systemClock.after(delayMs, () => this.#fire(alarm));
    return { cancel: () => this.#remove(alarm) };
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#alarms.size;
  }

  /** Lets time pass at once, and with it every timer that is due then. */
  pass(ms: number): void {
    const until = this.#elapsedMs + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) this.#fire(next);
    this.#elapsedMs = until;
  }

  /**
   * Resolves or rejects as `call`. Timeouts pass meanwhile, up to `boundMs` in all, each one when nothing else goes on.
   * @throws TOOK_TOO_LONG if the call does not end, even though they have passed
   */
  async letPass<T>(call: Promise<T>, boundMs: number): Promise<T> {
    const until = this.#elapsedMs + boundMs;
    let settled = false;
    const end = (): void => {
      settled = true;
    };
    call.then(end, end);
    await eventually(`the call to end within ${boundMs} ms of its own clock`, async () => {
      if (await this.#isQuiet(() => settled)) this.#fire(this.#next(until));
      return settled;
    });
    return call;
  }

  /**
   * True when nothing is under way any more but what waits for a timeout: no pause runs, no timer was set or has ended, this
   * process has handled all that has come, and every process that it has started has slept since the first look. False as
   * soon as `isOver`. A machine that is slow only delays it.
   */
  async #isQuiet(isOver: () => boolean): Promise<boolean> {
    let seen: string | null = null;
    for (let quiet = 0; quiet < QUIET_LOOKS; quiet += 1) {
      if (isOver()) return false;
      const now = this.#seenAt(await nextLook());
      if (now === null || now !== seen) quiet = -1;
      seen = now;
    }
    return !isOver();
  }

  #seenAt(look: Stillness): string | null {
    if ([...this.#alarms].some(({ real }) => real !== null)) return null;
    const others = look();
    return others === null ? null : `${this.#changes} ${others}`;
  }

  #next(until: number): Alarm | undefined {
    return [...this.#alarms].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0];
  }

  #fire(alarm: Alarm | undefined): void {
    if (alarm === undefined || !this.#remove(alarm)) return;
    this.#elapsedMs = Math.max(this.#elapsedMs, alarm.at);
    alarm.action();
  }

  #remove(alarm: Alarm): boolean {
    alarm.real?.cancel();
    this.#changes += 1;
    return this.#alarms.delete(alarm);
  }
}

import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from '../../src/core/clock.ts';
import { RETRY_MS } from '../../src/server/retry.ts';

/** What a dead process gets from everything it touches. */
export class Crash extends Error {
  constructor() {
    super('this process is dead');
  }
}

/** The result of a statement when the disk fails. */
export class DiskFailure extends Error {
  readonly code = 'SQLITE_IOERR';

  constructor() {
    super('disk I/O error');
  }
}

/** True if an error came from a disk failure. */
export function isDiskFailure(error: unknown): boolean {
  return error instanceof DiskFailure || (error instanceof Error && isDiskFailure(error.cause));
}

/** How the clocks of a process differ from those of its world. */
export interface ClockSkew {
  /** By how much its wall clock is ahead, in milliseconds. */
  readonly aheadMs: number;
  /** How fast its time goes; 1 is right. */
  readonly speed: number;
}

const RIGHT: ClockSkew = { aheadMs: 0, speed: 1 };

/**
 * A process of the simulation. Everything it uses passes through here: dying makes each of these throw, drops its timers,
 * and leaves what was committed. It can be told to die at the n-th touch of its database from now.
 */
export class SimulatedProcess {
  #alive = true;
  /** How often its disk has failed. */
  failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #now = (): number => 0;
  #touchesLeft = Number.POSITIVE_INFINITY;
  #failure = { after: Number.POSITIVE_INFINITY, times: 0 };
  #meddling = { left: Number.POSITIVE_INFINITY, act: (): void => {} };
  readonly #timers = new Set<Timer>();
  readonly #whenDead: (() => void)[] = [];
  readonly #skew: ClockSkew;
  #paused = false;
  #waking = false;
  /** What it finds when it goes on. */
  #held = { messages: [] as (() => void)[], timers: [] as (() => void)[] };
  readonly #died = Promise.withResolvers<never>();

  constructor(skew: ClockSkew = RIGHT) {
    this.#skew = skew;
    this.#died.promise.catch(() => {});
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Resolves with the result of `waits`. @throws Crash when the process dies meanwhile */
  async unlessDead<T>(waits: Promise<T>): Promise<T> {
    return Promise.race([waits, this.#died.promise]);
  }

  /** Ends it now, as SIGKILL would. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#held = { messages: [], timers: [] };
    this.#died.reject(new Crash());
    for (const tell of this.#whenDead) tell();
  }

  /** True while it sleeps, as after SIGSTOP: what is sent to it waits, and so do its timers. */
  get paused(): boolean {
    return this.#paused;
  }

  /** True while it takes up what has waited for it. */
  get waking(): boolean {
    return this.#waking;
  }

  pause(): void {
    this.#paused = true;
  }

  /** It goes on: with what was sent to it and then with its timers, or the other way round. */
  async resume(timersFirst: boolean): Promise<void> {
    if (!this.#paused || !this.#alive) return;
    this.#paused = false;
    this.#waking = true;
    const { messages, timers } = this.#held;
    this.#held = { messages: [], timers: [] };
    for (const goOn of timersFirst ? [...timers, ...messages] : [...messages, ...timers]) {
      if (this.#alive) goOn();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#waking = false;
  }

  /** Resolves when it can take something that was sent to it. @throws Crash when it dies instead */
  async untilAwake(): Promise<void> {
    if (!this.#alive) throw new Crash();
    if (!this.#paused) return;
    await this.unlessDead(new Promise<void>((resolve) => this.#held.messages.push(resolve)));
  }

  /** Its n-th touch of the database from now fails, and those after it too if `times` says so, as when the disk does. */
  failAtTouch(touches: number, times = 1): void {
    this.#failure = { after: touches - 1, times };
  }

  /** True if its disk has failed just now: what that has interrupted is gone on with soon. */
  get recovers(): boolean {
    return this.#now() - this.#failedAt < 2 * RETRY_MS;
  }

  /** Calls `act` just before the n-th touch of the database from now. @returns whether that was */
  meddleAtTouch(touches: number, act: () => void): () => boolean {
    // Whoever acts is another process, and not inside of the write that may be under way.
    this.#meddling = { left: touches, act: AsyncResource.bind(act) };
    const meddling = this.#meddling;
    return () => meddling.left <= 0;
  }

  /** It will die at its n-th touch of the database from now: between two statements, before or after a commit. */
  dieAtTouch(touches: number): void {
    this.#touchesLeft = touches;
  }

  whenDead(tell: () => void): void {
    this.#whenDead.push(tell);
  }

  /** Every seam calls this first. */
  touch(): void {
    this.#meddling.left -= 1;
    if (this.#meddling.left === 0) this.#meddling.act();
    this.#touchesLeft -= 1;
    if (this.#touchesLeft <= 0) this.kill();
    if (!this.#alive) throw new Crash();
  }

  /** Each statement of its database calls this first: it may die there, or its disk may fail. */
  statement(): void {
    this.touch();
    const { after, times } = this.#failure;
    this.#failure = { after: after - 1, times: after <= 0 ? times - 1 : times };
    if (after > 0 || times <= 0) return;
    this.failures += 1;
    this.#failedAt = this.#now();
    throw new DiskFailure();
  }

  /** A clock whose timers end with the process. */
  clock(clock: Clock): Clock {
    this.#now = () => clock.monotonic();
    const { aheadMs, speed } = this.#skew;
    return {
      now: () => clock.now() + aheadMs,
      monotonic: () => clock.monotonic() * speed,
      after: (delayMs, action) => {
        if (!this.#alive) return { cancel: () => {} };
        let isCancelled = false;
        const timer = clock.after(speed === 1 ? delayMs : Math.ceil(delayMs / speed), () => {
          this.#timers.delete(timer);
          if (this.#paused) this.#held.timers.push(() => isCancelled || action());
          else action();
        });
        this.#timers.add(timer);
        return {
          cancel: () => {
            isCancelled = true;
            this.#timers.delete(timer);
            timer.cancel();
          },
        };
      },
    };
  }
}

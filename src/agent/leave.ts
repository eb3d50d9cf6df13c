/** The conductor's leave to send one order, between READY and the sending. */
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import type { OrderTarget, Phase } from '../core/power.ts';
import { abortable } from '../core/signals.ts';

/** How long after READY a Go is accepted: what was read before it would be too old. */
const GO_VALID_MS = 5000;

/** What a Go says: the command to send, and the half of the task that it begins. */
interface Go {
  readonly command: OrderTarget;
  readonly phase: Phase;
}

/** The leave that one power task waits for. */
export class Leave {
  readonly #clock: Clock;
  #take: ((go: Go) => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Leave is given, once. It does nothing unless it is waited for. */
  give(go: Go): void {
    this.#take?.(go);
  }

  /** It is waited for no more. */
  forget(): void {
    this.#take = null;
  }

  /**
   * Waits for it from now on. Whether it comes too late is decided by the clock: a process that was frozen may find it before its timers
   * have run.
   * @throws GO_TOO_LATE; the reason of the abort, at once
   */
  wait(signal: AbortSignal): Promise<Go> {
    const clock = this.#clock;
    const readyAt = clock.monotonic();
    return abortable((resolve, reject) => {
      const tooLate = (): void =>
        reject(fail('GO_TOO_LATE', `no leave to send came within ${GO_VALID_MS / 1000} s of the reading`));
      const timer = clock.after(GO_VALID_MS, tooLate);
      this.#take = (go) => {
        this.#take = null;
        timer.cancel();
        if (clock.monotonic() - readyAt < GO_VALID_MS) resolve(go);
        else tooLate();
      };
      return () => timer.cancel();
    }, signal);
  }
}

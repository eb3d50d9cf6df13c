/** The conductor's leave to send one order, between READY and the sending. */
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import type { OrderTarget, Phase } from '../core/power.ts';
import { abortable } from '../core/signals.ts';
import type { Lease } from './lease.ts';

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
  readonly #lease: Pick<Lease, 'isAttached'>;
  #take: ((go: Go) => void) | null = null;
  #lose: (() => void) | null = null;

  constructor(clock: Clock, lease: Pick<Lease, 'isAttached'>) {
    this.#clock = clock;
    this.#lease = lease;
  }

  /** Leave is given, once. It does nothing unless it is waited for. */
  give(go: Go): void {
    this.#take?.(go);
  }

  /** The stream to the conductor has ended, and with it what would have given leave. It does nothing unless it is waited for. */
  lose(): void {
    this.#lose?.();
  }

  /** It is waited for no more. */
  forget(): void {
    this.#take = null;
    this.#lose = null;
  }

  /**
   * Waits for it from now on. Whether it comes too late is decided by the clock: a process that was frozen may find it before its timers
   * have run. Without a stream to a conductor it is not waited for: the next conductor would give it for an old reading, and perhaps too late.
   * @throws GO_TOO_LATE, at once if there is no stream; the reason of the abort, at once
   */
  wait(signal: AbortSignal): Promise<Go> {
    const clock = this.#clock;
    const readyAt = clock.monotonic();
    return abortable((resolve, reject) => {
      const fails = (why: string) => (): void => reject(fail('GO_TOO_LATE', why));
      const tooLate = fails(`no leave to send came within ${GO_VALID_MS / 1000} s of the reading`);
      this.#lose = fails('the stream to the conductor ended before it gave leave to send');
      const timer = clock.after(GO_VALID_MS, tooLate);
      this.#take = (go) => {
        this.forget();
        timer.cancel();
        if (clock.monotonic() - readyAt < GO_VALID_MS) resolve(go);
        else tooLate();
      };
      if (!this.#lease.isAttached) this.lose();
      return () => timer.cancel();
    }, signal);
  }
}

/** Agents that were lost: until when each of them may still act, so that no other agent is given its BMCs. */
import type { Clock, Timer } from '../../core/clock.ts';
import { onAbort } from '../../core/signals.ts';

/** The lost agents of one conductor. */
export class LostAgents {
  /** By agent, the time (monotonic) from which its BMCs may move. */
  readonly #movableAt = new Map<string, number>();
  /** One for all of them. */
  #timer: (Timer & { readonly at: number }) | null = null;
  readonly #over: (agentUuids: readonly string[]) => void;
  readonly #clock: Clock;
  readonly #shutdown: AbortSignal;

  /**
   * @param over told of those that act no more, and are not lost any longer
   * @param shutdown its abort ends the waiting for that
   */
  constructor(over: (agentUuids: readonly string[]) => void, clock: Clock, shutdown: AbortSignal) {
    this.#over = over;
    this.#clock = clock;
    this.#shutdown = shutdown;
  }

  get size(): number {
    return this.#movableAt.size;
  }

  has(agentUuid: string): boolean {
    return this.#movableAt.has(agentUuid);
  }

  /** For how long this agent may still act, in milliseconds; 0 or less if it is not lost. */
  movableInMs(agentUuid: string): number {
    return (this.#movableAt.get(agentUuid) ?? 0) - this.#clock.monotonic();
  }

  /** An agent is lost, and may act for `mayActMs` from now. */
  add(agentUuid: string, mayActMs: number): void {
    const at = this.#clock.monotonic() + mayActMs;
    this.#movableAt.delete(agentUuid);
    this.#movableAt.set(agentUuid, at);
    // The first to be lost is usually the first whose BMCs may move.
    if (this.#timer !== null && at < this.#timer.at) this.#timer.cancel();
    this.#watch();
  }

  /** It is back. */
  delete(agentUuid: string): void {
    this.#movableAt.delete(agentUuid);
  }

  #watch(): void {
    if (this.#timer !== null || this.size === 0 || this.#shutdown.aborted) return;
    const at = [...this.#movableAt.values()].reduce((one, other) => Math.min(one, other));
    const end = (): void => {
      unlink();
      this.#timer = null;
    };
    const timer = this.#clock.after(at - this.#clock.monotonic(), () => {
      end();
      this.#endThoseOver();
      this.#watch();
    });
    const cancel = (): void => {
      timer.cancel();
      end();
    };
    const unlink = onAbort(this.#shutdown, () => timer.cancel());
    this.#timer = { at, cancel };
  }

  #endThoseOver(): void {
    const now = this.#clock.monotonic();
    const over = [...this.#movableAt].filter(([, at]) => at <= now).map(([agentUuid]) => agentUuid);
    for (const agentUuid of over) this.#movableAt.delete(agentUuid);
    if (over.length > 0) this.#over(over);
  }
}

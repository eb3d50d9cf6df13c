/** Watches over a time that is put off again and again: the silence of a peer, a lease. */
import type { Clock, Timer } from './clock.ts';
import { onAbort } from './signals.ts';

/** A timer that waits for the end of such a time. */
export interface Watch {
  /** Looks now, and sets the timer anew. Whoever calls it often enough lets the timer never run down, and wakes no process for nothing. */
  look(): void;
}

/**
 * Calls `over` when `restMs` has come down to 0: now, in a `look`, or when its timer has run down. Nothing more is called after the abort.
 * @param restMs how long the time still lasts, in milliseconds; it may have been put off since it was asked last
 */
export function watchOver(restMs: () => number, over: () => void, clock: Clock, signal: AbortSignal): Watch {
  let timer: Timer | null = null;
  const look = (): void => {
    timer?.cancel();
    if (signal.aborted) return;
    const rest = restMs();
    if (rest > 0) timer = clock.after(rest, look);
    else over();
  };
  look();
  onAbort(signal, () => timer?.cancel());
  return { look };
}

/** Work that many ask for, done once for all who ask before it is begun. */
import type { Clock } from './clock.ts';
import { sleep } from './signals.ts';

/**
 * `work` at most once at a time, and once more for all who ask meanwhile, `restMs` after the end of the one before. Who asks
 * gets a run that was begun after the call. A failure goes to all who share the run. An abort rejects those that wait.
 */
export function coalesced(
  work: () => Promise<void>,
  restMs: number,
  clock: Clock,
  signal: AbortSignal,
): () => Promise<void> {
  let running: Promise<void> | null = null;
  let waiting: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    waiting = null;
    try {
      await work();
    } finally {
      if (waiting === null) running = null;
    }
  };
  const runNext = async (before: Promise<void>): Promise<void> => {
    await before.catch(() => {});
    await sleep(restMs, clock, signal).catch((reason: unknown) => {
      running = null;
      waiting = null;
      throw reason;
    });
    running = waiting;
    return run();
  };
  return () => {
    if (running === null) {
      running = run();
      return running;
    }
    waiting ??= runNext(running);
    return waiting;
  };
}

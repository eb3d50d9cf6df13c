/** Work that only one event begins: a database that fails once must not leave it undone. */
import type { Clock } from '../core/clock.ts';
import { asCountermandError } from '../core/errors.ts';
import { sleep } from '../core/signals.ts';
import type { Log } from './log.ts';

/** How long work that has failed waits before it is tried again. */
export const RETRY_MS = 1000;

/** What work is called in the log when it fails. */
interface Retried {
  readonly message: string;
  readonly fields: object;
}

/**
 * Runs `work`, and again a second after each failure until it succeeds. Each failure is logged.
 * @throws the reason of the abort
 */
export async function retry<T>(
  work: () => Promise<T>,
  { message, fields }: Retried,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      signal.throwIfAborted();
      log.error({ ...fields, err: asCountermandError(thrown) }, `${message}; it is tried again`);
      await sleep(RETRY_MS, clock, signal);
    }
  }
}

import { systemClock } from '../../src/core/clock.ts';
import { openCancellation, sleep, untilAborted } from '../../src/core/signals.ts';

/** Only ends what hangs. Below the limit of AVA, so that the failure says what was waited for. */
const LIMIT_MS = 300_000;

/**
 * Resolves when `condition` holds. It is looked at every 20 ms; after five minutes this fails, even
 * if a look hangs.
 */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const cancellation = openCancellation([], { clock: systemClock, afterMs: LIMIT_MS, what });
  try {
    while (!(await untilAborted(Promise.resolve(condition()), cancellation.signal)))
      await sleep(20, systemClock, cancellation.signal);
  } finally {
    cancellation.end();
  }
}

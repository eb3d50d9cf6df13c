import { systemClock } from '../../src/core/clock.ts';
import { openScope, sleep } from '../../src/core/signals.ts';

const LIMIT_MS = 20_000;

/** Resolves when `condition` holds; looks again and again, and fails after 20 s. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const scope = openScope([], { clock: systemClock, afterMs: LIMIT_MS, what });
  try {
    while (!(await condition())) await sleep(20, systemClock, scope.signal);
  } finally {
    scope.end();
  }
}

/** Callers that are not let in: who guesses passwords, or calls with a token that has ended, is seen by whoever operates the conductor. */
import type { Clock } from '../../core/clock.ts';
import { asCountermandError } from '../../core/errors.ts';
import type { Identify } from '../access/identity.ts';
import type { MetricRegistry } from '../metrics/registry.ts';

/** The log has at most one line in this time, however many guess. */
const SAY_AGAIN_MS = 10_000;

/** Where it is told. */
interface Told {
  readonly log: { warn(fields: object, message: string): void };
  readonly registry: Pick<MetricRegistry, 'add'>;
  readonly clock: Clock;
}

/** Counts the callers that are refused, and logs the first at once, and then the last with the number of those before it. */
export function tellRefused(identify: Identify, { log, registry, clock }: Told): Identify {
  let saidAt = Number.NEGATIVE_INFINITY;
  let refused = 0;
  return async (credentials) => {
    try {
      return await identify(credentials);
    } catch (error) {
      const { code, message: reason } = asCountermandError(error);
      registry.add('countermand_callers_refused_total', { code });
      refused += 1;
      const now = clock.monotonic();
      if (now >= saidAt + SAY_AGAIN_MS) {
        // What was sent is not told: a password may stand in the place of a name.
        log.warn({ code, peer: credentials.peer, reason, refused }, 'a caller was not let in');
        saidAt = now;
        refused = 0;
      }
      throw error;
    }
  };
}

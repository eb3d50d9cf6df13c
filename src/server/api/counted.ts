/** Counts calls, and how long those take that are no streams. */
import type { Clock } from '../../core/clock.ts';
import { CountermandError } from '../../core/errors.ts';
import type { MetricRegistry } from '../metrics/registry.ts';
import type { Ending, Guard } from './guards.ts';

/** Counts each call that passes, by its RPC and by the gRPC status that it ends with. */
export function countCalls(registry: MetricRegistry, clock: Clock): Guard {
  return ({ method, requestStream, responseStream, context: { signal } }) => {
    const rpc = method.path.slice(1);
    const isStream = requestStream || responseStream;
    const began = clock.monotonic();
    if (isStream) registry.move('countermand_streams', { rpc }, 1);
    return {
      end(ending) {
        registry.add('countermand_calls_total', { rpc, code: codeOf(ending, signal) });
        if (isStream) registry.move('countermand_streams', { rpc }, -1);
        else registry.observe('countermand_call_seconds', { rpc }, (clock.monotonic() - began) / 1000);
      },
    };
  };
}

function codeOf(ending: Ending, signal: AbortSignal): string {
  if (ending.how === 'answered') return 'OK';
  if (ending.how === 'left' || signal.aborted) return 'CANCELLED';
  return ending.error instanceof CountermandError ? ending.error.row.status : 'INTERNAL';
}

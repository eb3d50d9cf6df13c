/** Counts calls, and how long those take that are no streams. */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';
import type { Clock } from '../../core/clock.ts';
import { CountermandError } from '../../core/errors.ts';
import type { MetricRegistry } from './registry.ts';

/** Counts each call that passes, by its RPC and by the gRPC status that it ends with. */
export function countCalls(registry: MetricRegistry, clock: Clock): ServerMiddleware {
  return async function* count<Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    const rpc = call.method.path.slice(1);
    const isStream = call.requestStream || call.responseStream;
    const began = clock.monotonic();
    if (isStream) registry.move('countermand_streams', { rpc }, 1);
    // A client that goes away ends the generator here.
    let code = 'CANCELLED';
    try {
      const answer = yield* call.next(call.request as never, context);
      code = 'OK';
      return answer;
    } catch (error) {
      if (!context.signal.aborted) code = error instanceof CountermandError ? error.row.status : 'INTERNAL';
      throw error;
    } finally {
      registry.add('countermand_calls_total', { rpc, code });
      if (isStream) registry.move('countermand_streams', { rpc }, -1);
      else registry.observe('countermand_call_seconds', { rpc }, (clock.monotonic() - began) / 1000);
    }
  };
}

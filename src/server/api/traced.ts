/** Where each call stands in a trace: below the context that it brings along, or in a trace of its own. */
import type { CallContext, Metadata, ServerMiddleware, ServerMiddlewareCall } from 'nice-grpc';
import { asCountermandError } from '../../core/errors.ts';
import { beginSpan, readTraceContext, type SpanParts, type TraceContext, traceparentOf } from '../../core/tracing.ts';
import { changesSomething } from './rpc_verbs.ts';

/** What the context of each call carries for its trace. */
export interface Traced {
  /** Where its span stands; what it brought along, if no span is recorded; null if it is in no trace. */
  readonly trace: TraceContext | null;
}

/** A call of this process to itself is a part of the call that made it. */
interface MaybeInside {
  readonly inside?: boolean;
}

/** What was sent of a trace. What is sent twice is not believed, and neither is baggage. */
function sentWith(metadata: Metadata): TraceContext | null {
  const [traceparent, ...more] = metadata.getAll('traceparent');
  return more.length > 0 ? null : readTraceContext(traceparent, metadata.getAll('tracestate').join(',') || null);
}

/** The metadata of a call that stands below `trace`. */
export const metadataOf = (trace: TraceContext | null): Record<string, string> =>
  trace === null
    ? {}
    : { traceparent: traceparentOf(trace), ...(trace.state === '' ? {} : { tracestate: trace.state }) };

/** Tells a span for each call that comes in a trace, and for each that could change something: one that only reads begins no trace. */
export function traceCalls(parts: SpanParts): ServerMiddleware<Traced> {
  return async function* trace<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, Traced>,
    context: CallContext & MaybeInside,
  ) {
    const sent = sentWith(context.metadata);
    const { path } = call.method;
    const isTold = parts.traces.isOn && (sent !== null || changesSomething(call));
    const span = isTold
      ? beginSpan(parts, sent, {
          name: path.slice(1),
          kind: context.inside ? 'internal' : 'server',
          attributes: { 'rpc.system.name': 'grpc', 'rpc.method': path.slice(1), 'client.address': context.peer },
        })
      : null;
    // A client that goes away ends the generator here.
    let [error, status]: [string | null, string] = ['CALL_ENDED', 'CANCELLED'];
    try {
      const answer = yield* call.next(call.request as never, { ...context, trace: span?.context ?? sent });
      [error, status] = [null, 'OK'];
      return answer;
    } catch (thrown) {
      const { code, row } = asCountermandError(thrown);
      if (!context.signal.aborted) [error, status] = [code, row.status];
      throw thrown;
    } finally {
      span?.end(error, { 'rpc.response.status_code': status });
    }
  };
}

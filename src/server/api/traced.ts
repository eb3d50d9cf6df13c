/** Where each call stands in a trace: below the context that it brings along, or in a trace of its own. */
import type { Metadata } from 'nice-grpc';
import { asCountermandError } from '../../core/errors.ts';
import { beginSpan, readTraceContext, type SpanParts, type TraceContext, traceparentOf } from '../../core/tracing.ts';
import type { Ending, Guard } from './guards.ts';
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
export function traceCalls(parts: SpanParts): Guard<Traced & MaybeInside> {
  return (call) => {
    const { metadata, peer, inside, signal } = call.context;
    const sent = sentWith(metadata);
    if (!parts.traces.isOn || (sent === null && !changesSomething(call))) return { context: { trace: sent } };
    const name = call.method.path.slice(1);
    const kind = inside ? 'internal' : 'server';
    const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': name, 'client.address': peer };
    const span = beginSpan(parts, sent, { name, kind, attributes });
    return {
      context: { trace: span?.context ?? sent },
      end(ending) {
        const [error, status] = outcomeOf(ending, signal);
        span?.end(error, { 'rpc.response.status_code': status });
      },
    };
  };
}

/** What a span says of how its call has ended: the code of its error, if it has failed, and the status of gRPC. */
function outcomeOf(ending: Ending, { aborted }: AbortSignal): [error: string | null, status: string] {
  if (ending.how === 'answered') return [null, 'OK'];
  if (ending.how === 'left' || aborted) return ['CALL_ENDED', 'CANCELLED'];
  const { code, row } = asCountermandError(ending.error);
  return [code, row.status];
}

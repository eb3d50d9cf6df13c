/** Where a request stands in a trace: below the context of its headers, or in a trace of its own if it could change something. */
import { beginSpan, readTraceContext, type TraceContext } from '../core/tracing.ts';
import type { Services } from '../server/api/services.ts';
import type { Answer } from './answer.ts';
import type { Route } from './route.ts';

/** What was sent of a trace. Baggage is not looked at. */
export const sentTrace = (headers: Headers): TraceContext | null =>
  readTraceContext(headers.get('traceparent'), headers.get('tracestate'));

/** Where the calls of a request stand. */
export interface RequestPlace {
  readonly trace: TraceContext | null;
  /** The request has a span of its own, of which they are a part. */
  readonly inside: boolean;
}

/** Answers a request in a span of its own, if one is recorded. */
export async function inRequestSpan(
  request: Request,
  { method, path }: Route,
  parts: Pick<Services, 'traces' | 'clock' | 'chance'>,
  work: (place: RequestPlace) => Promise<Answer>,
): Promise<Answer> {
  const sent = sentTrace(request.headers);
  const isTold = parts.traces.isOn && (sent !== null || method !== 'GET');
  const { protocol, host } = new URL(request.url);
  const [address = '', port] = host.split(/:(?=\d+$)/);
  const span = isTold
    ? beginSpan(parts, sent, {
        name: `${method} ${path}`,
        kind: 'server',
        attributes: {
          'http.request.method': method,
          'http.route': path,
          'url.scheme': protocol.slice(0, -1),
          'server.address': address,
          'server.port': port === undefined ? undefined : Number(port),
        },
      })
    : null;
  const answered = await work({ trace: span?.context ?? sent, inside: span !== null });
  const { status } = answered;
  span?.end(status >= 500 ? String(status) : null, { 'http.response.status_code': status });
  return answered;
}

/** The span of what a BMC is asked, below the call of the driver that its signal belongs to. It says where and what; never with which login. */
import { traceOf } from '../core/signals.ts';
import { inSpan, type SpanAttributes } from '../core/tracing.ts';

/** What is asked, and where. */
interface Asked {
  /** `GET`, or the name of an IPMI command: one of a few. */
  readonly name: string;
  readonly attributes: SpanAttributes;
}

/**
 * Asks, in a span of its own if the signal carries a trace.
 * @param told what the answer adds to it
 */
export function asking<T>(
  signal: AbortSignal,
  asked: () => Asked,
  work: () => Promise<T>,
  told?: (answer: T) => SpanAttributes,
): Promise<T> {
  const trace = traceOf(signal);
  return trace === undefined ? work() : inSpan(trace, { ...asked(), kind: 'client' }, work, told);
}

/** A request over HTTP, by the conventions of OpenTelemetry. The query is left out. */
export function httpAsked(method: string, origin: string, path: string): Asked {
  const { hostname, port, protocol } = new URL(origin);
  const usual = protocol === 'https:' ? 443 : 80;
  const where = { 'server.address': hostname, 'server.port': port === '' ? usual : Number(port) };
  const url = `${origin}${path.split('?', 1)[0]}`;
  return { name: method, attributes: { 'http.request.method': method, 'url.full': url, ...where } };
}

/** What an answer over HTTP adds. */
export const httpTold = ({ status }: { readonly status: number }): SpanAttributes => ({
  'http.response.status_code': status,
});

/** A command over a protocol on UDP. */
export const udpAsked = (system: 'ipmi' | 'snmp', name: string, host: string, port: number): Asked => ({
  name,
  attributes: {
    'rpc.system.name': system,
    'rpc.method': name,
    'server.address': host,
    'server.port': port,
    'network.transport': 'udp',
  },
});

/**
 * Sends spans to an OTLP receiver by the SDK of OpenTelemetry: the only file that loads it. Spans wait in a queue with a limit, go out in
 * batches, and are left out when there is no room. A receiver that is away is told of once, and once when it is back.
 */
import { hostname } from 'node:os';
import { createTraceState, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import { KEPT_LIMITS } from '../../core/limits.ts';
import { cutText } from '../../core/texts.ts';
import type { EndedSpan, SpanAttributes, TraceContext, Traces } from '../../core/tracing.ts';
import { VERSION } from '../../core/version.ts';

/** What the state of the receiver is logged with. */
export interface ExportLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Traces that have to be closed. */
export interface OpenTraces extends Traces {
  /** Tells the receiver what waits. It takes a few seconds at most, and never rejects. */
  close(): Promise<void>;
}

/** What is sent, and where. */
interface OtlpParts {
  readonly endpoint: string;
  /** Which part of the traces that begin here is recorded. */
  readonly ratio: number;
  readonly service: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: ExportLog;
}

/** More spans than this do not wait; what comes then is left out. */
const WAITING_LIMIT = 4096;
/** The longest that a span waits for others, to be sent with them. */
const BATCH_DELAY_MS = 2000;
/** One attempt to send a batch, its repetitions included. */
const EXPORT_LIMIT_MS = 5000;
/** How long the process waits at its end until all is sent. */
const FLUSH_LIMIT_MS = 5000;

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const SCOPE = { name: 'countermand', version: VERSION };

/** Opens the way to a receiver. Nothing is sent before there is a span. */
export function openOtlp({ endpoint, ratio, service, clock, chance, log }: OtlpParts): OpenTraces {
  const own = { 'service.name': service, 'service.version': VERSION, 'service.instance.id': chance.uuid() };
  const resource = resourceFromAttributes({ ...own, 'host.name': hostname() }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const exporter = new OTLPTraceExporter({ url: urlOf(endpoint), timeoutMillis: EXPORT_LIMIT_MS });
  const processor = new BatchSpanProcessor({
    exporter: telling(exporter, log),
    maxQueueSize: WAITING_LIMIT,
    scheduledDelayMillis: BATCH_DELAY_MS,
    exportTimeoutMillis: 2 * EXPORT_LIMIT_MS,
  });
  return {
    isOn: true,
    samples: (traceId) => Number.parseInt(traceId.slice(-13), 16) < ratio * 16 ** 13,
    take: (span) => processor.onEnd({ ...readable(span), resource }),
    async close() {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const timer = clock.after(FLUSH_LIMIT_MS, resolve);
      await Promise.race([processor.shutdown().catch(() => {}), over]);
      timer.cancel();
    },
  };
}

function urlOf(endpoint: string): string {
  const url = new URL(endpoint);
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

/** The exporter, with one line for each change of its luck. What it fails by may repeat what the receiver says: only its kind is told. */
function telling(exporter: SpanExporter, log: ExportLog): SpanExporter {
  let isAway = false;
  let lost = 0;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.code !== 0) lost += spans.length;
        if (result.code !== 0 && !isAway)
          log.warn({ reason: kindOf(result.error) }, 'traces cannot be exported; spans are lost until they can');
        if (result.code === 0 && isAway) log.info({ lost }, 'traces are exported again');
        isAway = result.code !== 0;
        if (!isAway) lost = 0;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** `ECONNREFUSED`, or the status of HTTP. */
function kindOf(error: Error | undefined): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: Error };
  if (code !== undefined && /^\w{1,40}$/.test(String(code))) return String(code);
  return cause instanceof Error ? kindOf(cause) : 'the receiver does not answer';
}

type Bare = Omit<ReadableSpan, 'resource'>;

function readable({ name, kind, context, parent, startedAt, endedAt, error, attributes, links = [] }: EndedSpan): Bare {
  const failure: SpanAttributes = error === null ? {} : { 'error.type': error };
  return {
    name,
    kind: KINDS[kind],
    spanContext: () => contextOf(context),
    ...(parent && { parentSpanContext: contextOf(parent) }),
    startTime: timeOf(startedAt),
    endTime: timeOf(endedAt),
    duration: timeOf(Math.max(0, endedAt - startedAt)),
    status: { code: error === null ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: bounded({ ...attributes, ...failure }),
    links: links.map((link) => ({ context: contextOf(link) })),
    events: [],
    ended: true,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId, sampled, state }: TraceContext): SpanContext {
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId, traceFlags, ...(state !== '' && { traceState: createTraceState(state) }) };
}

/** Seconds and nanoseconds. */
function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function bounded(attributes: SpanAttributes): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    kept[name] = typeof value === 'string' ? cutText(value, KEPT_LIMITS.span_text.limit) : value;
  }
  return kept;
}

/**
 * Traces in the model of OpenTelemetry, without its SDK: where a span stands, and what is told of one that has ended. A context is an
 * argument, or travels with a signal (`signals.ts`). Spans of what outlives a process (power tasks, actions, plans) have ids made of the
 * uuids of their rows: whoever ends one tells its span, also after a takeover.
 */
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import { asCountermandError } from './errors.ts';
import { KEPT_LIMITS } from './limits.ts';

/** Where a span stands: the trace context of W3C. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The trace is recorded. */
  readonly sampled: boolean;
  /** `tracestate`, as it came; empty if there was none. */
  readonly state: string;
}

/** Values of a span, by their names in the conventions of OpenTelemetry. Secrets never go in. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What a span is, whoever tells it. */
export interface SpanWords {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly attributes: SpanAttributes;
  /** The spans of other traces, or of other parts of this one, that it has to do with. */
  readonly links?: readonly TraceContext[];
}

/** A span that has ended. Times are milliseconds since 1970. */
export interface EndedSpan extends SpanWords {
  readonly context: TraceContext;
  readonly parent: TraceContext | null;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Of one that failed: the code of the error. */
  readonly error: string | null;
}

/** Where spans go. */
export interface Traces {
  /** False: nothing is recorded, and contexts are only passed on. */
  readonly isOn: boolean;
  /** True if a trace that begins here is recorded: each process says the same of the same id. */
  samples(traceId: string): boolean;
  /** Takes a span. It returns at once and never throws; what there is no room for is left out. */
  take(span: EndedSpan): void;
}

/** Nothing is recorded. */
export const NO_TRACES: Traces = { isOn: false, samples: () => false, take: () => {} };

/** What spans are made with. */
export interface SpanParts {
  readonly traces: Traces;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly chance: Pick<Chance, 'bytes'>;
}

/** Where a call stands in its trace, and what its spans are made with. */
export interface CallTrace extends SpanParts {
  readonly context: TraceContext;
}

/** W3C: later versions may say more behind a further dash. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const LONGEST_TRACEPARENT = 255;
/** W3C asks for 32 members at least. */
const STATE = /^[\x20-\x7e]+$/;
const STATE_MEMBERS = 32;

/**
 * The context that a caller has sent; null if it sent none, or something else: a trace is no reason to refuse a call. A `tracestate` that
 * is too long, or is none, is left out.
 */
export function readTraceContext(
  traceparent: string | null | undefined,
  tracestate: string | null = null,
): TraceContext | null {
  if (!traceparent || traceparent.length > LONGEST_TRACEPARENT) return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  const isState = tracestate !== null && isPassedOn(tracestate);
  const sampled = (Number.parseInt(flags, 16) & 1) === 1;
  return { traceId, spanId, sampled, state: isState ? tracestate : '' };
}

const isPassedOn = (state: string): boolean =>
  state.length <= KEPT_LIMITS.tracestate.limit && STATE.test(state) && state.split(',').length <= STATE_MEMBERS;

/** The value of `traceparent`. */
export const traceparentOf = ({ traceId, spanId, sampled }: TraceContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

/** A context as it is stored: `traceparent`, and `tracestate` behind a space. */
export const textOfTrace = (context: TraceContext): string => `${traceparentOf(context)} ${context.state}`.trimEnd();

/** The context of a text that was stored; null for null. */
export function traceOfText(text: string | null): TraceContext | null {
  if (text === null) return null;
  const end = text.indexOf(' ');
  return end === -1 ? readTraceContext(text) : readTraceContext(text.slice(0, end), text.slice(end + 1));
}

const hexOf = (uuid: string): string => uuid.replaceAll('-', '');

/** A row that has a span of its own. */
interface Traced {
  readonly uuid: string;
  /** The context of the parent of its span, as it is stored; null if it is in no trace. */
  readonly trace: string | null;
}

/** Where the span of a row stands, below the parent that its `trace` names; null if it is in no trace. */
export function spanOfRow({ uuid, trace }: Traced): TraceContext | null {
  const parent = traceOfText(trace);
  return parent && { ...parent, spanId: hexOf(uuid).slice(0, 16) };
}

/** As `spanOfRow`, as it is stored. */
export function spanTextOfRow(row: Traced): string | null {
  const span = spanOfRow(row);
  return span && textOfTrace(span);
}

/** Where the span of the cancel of a plan stands: its id is the other half of the plan's uuid. */
export function cancelSpanOf({ uuid, linkedTrace }: { uuid: string; linkedTrace: string | null }): TraceContext | null {
  const call = traceOfText(linkedTrace);
  return call && { ...call, spanId: hexOf(uuid).slice(16) };
}

/**
 * The trace of a row that nothing outside began, as it is stored: its id is that of the row. Its parent would be the row itself, which is
 * how a span without a parent is known.
 */
export function ownTraceOf(uuid: string, { isOn, samples }: Traces): string | null {
  if (!isOn) return null;
  const traceId = hexOf(uuid);
  return traceparentOf({ traceId, spanId: traceId.slice(0, 16), sampled: samples(traceId), state: '' });
}

/** A span that is under way. */
interface OpenSpan {
  readonly context: TraceContext;
  /** Tells it. @param error the code of what it failed by, or null */
  end(error: string | null, attributes?: SpanAttributes): void;
}

/**
 * Begins a span below `parent`; without one, a new trace.
 * @returns null if it is not recorded
 */
export function beginSpan(parts: SpanParts, parent: TraceContext | null, words: SpanWords): OpenSpan | null {
  const { traces, clock, chance } = parts;
  if (!traces.isOn || parent?.sampled === false) return null;
  const context = parent === null ? rootContext(parts) : { ...parent, spanId: chance.bytes(8).toString('hex') };
  if (!context.sampled) return null;
  const [startedAt, since] = [clock.now(), clock.monotonic()];
  return {
    context,
    end(error, attributes = {}) {
      // The time of day may jump meanwhile.
      const endedAt = startedAt + clock.monotonic() - since;
      const all = { ...words.attributes, ...attributes };
      traces.take({ ...words, context, parent, startedAt, endedAt, error, attributes: all });
    },
  };
}

function rootContext({ traces, chance }: SpanParts): TraceContext {
  const traceId = chance.bytes(16).toString('hex');
  return { traceId, spanId: chance.bytes(8).toString('hex'), sampled: traces.samples(traceId), state: '' };
}

/**
 * Does the work in a span below `call`.
 * @param work is given the context of the span; that of `call` where it is not recorded
 * @param told what the answer adds to the attributes
 */
export async function inSpan<T>(
  call: CallTrace,
  words: SpanWords,
  work: (context: TraceContext) => Promise<T>,
  told: (answer: T) => SpanAttributes = () => ({}),
): Promise<T> {
  const span = beginSpan(call, call.context, words);
  if (span === null) return work(call.context);
  try {
    const answer = await work(span.context);
    span.end(null, told(answer));
    return answer;
  } catch (thrown) {
    span.end(asCountermandError(thrown).code);
    throw thrown;
  }
}

/**
 * What every request is held to before its service sees it: its size, its lists, texts, numbers and nesting, and how many
 * streams are open. The numbers are those of core/limits.ts; a field without a limit of its own has the general one.
 */
import { fail, failAt } from '../../core/errors.ts';
import { exceeded, type LimitRow, OPEN_LIMITS, SENT_LIMITS } from '../../core/limits.ts';
import { nextPortion } from '../../core/long_work.ts';
import { cutText } from '../../core/texts.ts';
import { type Arrived, type Guard, inTurn } from './guards.ts';
import { readMessage } from './reading.ts';
import { RPC_RULES } from './rpc_verbs.ts';

const WATCH_NODES = '/countermand.v1.NodeService/WatchNodes';

/** By the name that a field has in the proto files. No plain object: clients choose keys, and could name one of its methods. */
const byField = <Limits>(limits: Readonly<Record<string, Limits>>): ReadonlyMap<string, Limits> =>
  new Map(Object.entries(limits));

/** The limits of texts; all other texts have the general limit. Names are checked by the services, which know what is being named. */
const TEXTS = byField<LimitRow>({
  page_token: SENT_LIMITS.page_token,
  // A whole list of names in one text; its names are counted instead.
  nodes: { ...SENT_LIMITS.message_bytes, unit: 'characters', error: 'ARGUMENT_INVALID' },
});

/** The limits of lists; all other lists have the general limit. */
const LISTS = byField<LimitRow>({
  actions: SENT_LIMITS.actions,
  event_types: SENT_LIMITS.event_types,
});

/** What keys and values a client chooses. */
interface PairLimits {
  readonly count: LimitRow;
  readonly key: LimitRow;
  readonly value: LimitRow;
}

const LABELS: PairLimits = {
  count: SENT_LIMITS.label_count,
  key: SENT_LIMITS.label_key,
  value: SENT_LIMITS.label_value,
};
const INFO: PairLimits = { count: SENT_LIMITS.info_count, key: SENT_LIMITS.label_key, value: SENT_LIMITS.info_value };

/** The limits of maps: those of a node, wherever a request has such a map, also where it chooses nodes by it. */
const MAPS = byField<PairLimits>({
  labels: LABELS,
  set_labels: LABELS,
  driver_info: INFO,
  set_driver_info: INFO,
  settings: INFO,
});

/** The limits of all other keys. */
const KEYS: Pick<PairLimits, 'count' | 'key'> = { count: SENT_LIMITS.list, key: SENT_LIMITS.text };

/**
 * Holds each request to its limits.
 * @throws MESSAGE_TOO_LARGE, ARGUMENT_INVALID with the place, TOO_MANY_STREAMS; then the service was not called
 */
export const checkRequests = (): Guard => inTurn([read, limitStreams(), awaitTurn]);

const read: Guard = async ({ method: { path }, request, requestStream }) => {
  if (requestStream) return { request: eachSmall(request as AsyncIterable<unknown>, path) };
  const message = await readMessage(request, path);
  await checkMessage(message);
  return { request: message };
};

function limitStreams(): Guard {
  const streams = new Set<object>();
  const fleetWatches = new Set<object>();
  return (call) => {
    const { method, request, requestStream, responseStream } = call;
    if (requestStream) return;
    refuseLeft(call);
    if (!responseStream) return;
    const sets = isFleetWatch(method.path, request) ? [streams, fleetWatches] : [streams];
    if (streams.size >= OPEN_LIMITS.streams.limit) throw tooMany(OPEN_LIMITS.streams);
    if (sets.length > 1 && fleetWatches.size >= OPEN_LIMITS.fleet_watches.limit)
      throw tooMany(OPEN_LIMITS.fleet_watches);
    for (const set of sets) set.add(call);
    const end = (): void => {
      for (const set of sets) set.delete(call);
    };
    return { end };
  };
}

/** One stream that only reads is begun in each turn of the event loop; one that was reset meanwhile is not. */
const awaitTurn: Guard = async (call) => {
  if (call.requestStream || !call.responseStream || !READS.has(call.method.path)) return;
  await nextPortion(call.context.signal).catch(() => {});
  refuseLeft(call);
};

/** @throws CALL_ENDED for a call that only reads, and whose client has gone */
function refuseLeft({ method, context }: Arrived<object>): void {
  if (context.signal.aborted && READS.has(method.path)) throw CALL_ENDED;
}

/** The RPCs that change nothing, so that nothing is lost if one is not begun. An order is carried out, whoever has gone. */
const READS: ReadonlySet<string> = new Set(
  [...RPC_RULES].flatMap(([path, { verbs }]) =>
    verbs.length > 0 && verbs.every((verb) => verb.endsWith('.read')) ? [path] : [],
  ),
);

/** Made once: to note where an error came from takes long. */
const CALL_ENDED = fail('CALL_ENDED', 'the client stopped listening before the call was begun');

const isFleetWatch = (path: string, request: unknown): boolean =>
  path === WATCH_NODES && (request as { readonly nodes: readonly string[] }).nodes.length === 0;

const tooMany = ({ limit, what }: LimitRow): Error =>
  fail('TOO_MANY_STREAMS', `${what}: ${limit} are open, and no more are allowed; close some, or watch fewer nodes`);

async function* eachSmall<T>(messages: AsyncIterable<T>, path: string): AsyncGenerator<T> {
  for await (const message of messages) yield await readMessage(message, path);
}

/** How many values of one message are looked at before others are served. */
const PORTION = 10_000;

async function checkMessage(message: unknown): Promise<void> {
  let looked = 0;
  // A stack of our own: a deep message must not exhaust that of the runtime.
  const waiting: Place[] = [{ value: message, path: [], field: '', depth: 0 }];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    looked += 1;
    if (looked % PORTION === 0) await nextPortion();
    if (place.depth > SENT_LIMITS.nesting.limit) throw tooMuch(SENT_LIMITS.nesting, place, place.depth);
    checkScalar(place);
    waiting.push(...partsOf(place));
  }
}

/** A value in a message. */
interface Place {
  readonly value: unknown;
  readonly path: readonly string[];
  /** The field that it belongs to, as the proto files write it. */
  readonly field: string;
  readonly depth: number;
  /** The limit of a text here; absent: that of its field. */
  readonly text?: LimitRow;
}

const FIRST_TIME = new Date('0001-01-01T00:00:00Z');
const LAST_TIME = new Date('9999-12-31T23:59:59.999Z');

function checkScalar(place: Place): void {
  const { value, field, text } = place;
  if (typeof value === 'string') {
    const limit = text ?? TEXTS.get(field) ?? SENT_LIMITS.text;
    if (value.length > limit.limit) throw tooMuch(limit, place, value.length);
    checkText(value, place);
  }
  // What is no time to JavaScript, or has a year that the contract cannot say, could be stored and not be answered.
  if (value instanceof Date && !(value >= FIRST_TIME && value <= LAST_TIME))
    throw refused(place, ' is not a time between the years 1 and 9999');
  if (typeof value === 'bigint' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER))
    throw refused(place, `: ${value} is beyond 2^53, the largest number here`);
}

/** What not every database can store, or only as another text, is refused whichever it is. @throws ARGUMENT_INVALID naming the place */
function checkText(text: string, place: Place): void {
  if (text.includes('\0')) throw refused(place, ' contains the character NUL');
  if (!text.isWellFormed()) throw refused(place, ' is no text: it contains half of a surrogate pair');
}

function partsOf(place: Place): Place[] {
  const { value, path, field, depth } = place;
  if (Array.isArray(value)) {
    const limit = LISTS.get(field) ?? SENT_LIMITS.list;
    if (value.length > limit.limit) throw tooMuch(limit, place, value.length);
    return value.map((part, at) => ({ value: part, path: [...path, `[${at}]`], field, depth: depth + 1 }));
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  const entries = Object.entries(value);
  const pairs = MAPS.get(field);
  const { count, key: ofKey } = pairs ?? KEYS;
  if (entries.length > count.limit) throw tooMuch(count, place, entries.length);
  const isMessage = depth === 0 || isWhole(path) || path.at(-1)?.startsWith('[');
  return entries.map(([key, part]) => {
    const name = isMessage ? protoName(key) : key;
    const inner = { value: part, path: [...path, name], field: pairs ? '' : name, depth: depth + 1 };
    if (key.length > ofKey.limit) throw tooMuch(ofKey, inner, key.length);
    checkText(key, place);
    return pairs ? { ...inner, text: pairs.value } : inner;
  });
}

const protoName = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What a preview is about: the request of the order itself. */
const WHOLE = 'wanted';
const isWhole = (path: readonly string[]): boolean => path.length === 1 && path[0] === WHOLE;

const joined = (path: readonly string[]): string => cutText(path.join('.').replaceAll('.[', '['), 300) || 'the message';

const fieldOf = ({ path }: Place): string => joined(path);

/** The place as sentences name it: a preview is refused in the words of the order. */
const textOf = ({ path }: Place): string => joined(path[0] === WHOLE && path.length > 1 ? path.slice(1) : path);

const tooMuch = (limit: LimitRow, place: Place, found: number): Error =>
  exceeded(limit, textOf(place), found, fieldOf(place));

const refused = (place: Place, why: string): Error =>
  failAt('ARGUMENT_INVALID', fieldOf(place), `${textOf(place)}${why}`);

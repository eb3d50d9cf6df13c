/**
 * The services themselves over HTTP: Connect, whose JSON curl can write, and gRPC-Web, which browsers speak. What a call
 * passes, and what serves it, is the same as over gRPC. Loaded at the first such request.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  createFileRegistry,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { isFieldError } from '@bufbuild/protobuf/reflect';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import { createAsyncIterable, type UniversalServerResponse } from '@connectrpc/connect/protocol';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { type CountermandError, fail, failWith } from '../core/errors.ts';
import { HTTP_LIMITS, KEPT_LIMITS } from '../core/limits.ts';
import { cutText } from '../core/texts.ts';
import type { TraceContext } from '../core/tracing.ts';
import type { Identity } from '../server/access/identity.ts';
import { detailsOf } from '../server/api/details.ts';
import { sayable } from '../server/api/errors.ts';
import { contractImage } from '../server/api/image.ts';
import { type ByteRpc, byteRpcsOf, type SentHeader } from '../server/api/in_process.ts';
import type { Services } from '../server/api/services.ts';
import { credentialsOf, refuseStrangers, type Sent } from './caller.ts';
import { challengeOf, ERROR_CODE_HEADER, Refusal } from './errors.ts';
import { checked, httpSizeLimitOf, refuseAnnounced } from './message.ts';
import { sentTrace } from './traced.ts';
import { endUnread } from './unread.ts';

/** What they are served with. */
export interface RpcParts {
  readonly services: Services;
  /** The door listens on a loopback address only. */
  readonly onLoopback: boolean;
  /** How long the client of a stream may leave messages unread. */
  readonly streamReadTimeoutMs: number;
}

/** What a call has from the listener, and from the gate. */
const SENT = createContextKey<Sent | null>(null);
const BEGUN = createContextKey<(header: Headers) => void>(() => {});
const CALLER = createContextKey<RpcCaller | null>(null);

/** Who makes a call, and in which trace. */
interface RpcCaller {
  readonly identity: Identity;
  readonly peer: string;
  readonly trace: TraceContext | null;
}

/**
 * Serves the RPCs; a stream ends when its client has gone or the conductor stops.
 * @param otherwise serves what is no RPC
 */
export function rpcListener(
  { services, onLoopback, streamReadTimeoutMs }: RpcParts,
  otherwise: RequestListener,
): RequestListener {
  const router = createConnectRouter({
    requestGate: (context) => admit(context, services),
    // gRPC itself needs HTTP/2, and has a port of its own.
    grpc: false,
    acceptCompression: [compressionGzip],
    jsonOptions: STRICT,
  });
  const rpcs = new Map(byteRpcsOf(services).map((rpc) => [rpc.path, rpc]));
  const methods = addTo(router, [...rpcs.values()], services);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request, response) => {
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (!handler) return otherwise(request, response);
    try {
      refuseStrangers(headersOf(request.headers), onLoopback);
      const begun = Promise.withResolvers<Headers>();
      const values = createContextValues().set(SENT, request).set(BEGUN, begun.resolve);
      endSlowBody(request, response, services);
      const asked = universalRequestFromNodeRequest(request, response, undefined, values);
      const rpc = rpcs.get(handler.requestPath) as ByteRpc;
      endUnread(response, rpc.path.slice(1), { services, limitMs: streamReadTimeoutMs });
      const toError = (error: unknown) => toConnectError(sayable(error, rpc.path, services.log, services.chance));
      const method = methods.get(rpc.path) as DescMethod;
      const answering = handler(checked(asked, rpc, { decode: (sent) => refuseForeign(sent, method), toError }));
      const answered = await Promise.race([answering, begun.promise.then((header) => earlyAnswer(header, answering))]);
      await universalResponseToNodeResponse(sayWhy(answered, request), response);
    } catch (error) {
      if (error instanceof Refusal) say(response, error.status, Code.PermissionDenied, error.message);
      else if (error instanceof ConnectError) say(response, 400, error.code, error.rawMessage);
      else response.destroy();
    }
  };
}

/** The headers that are looked at, as the other routes see them. */
const headersOf = ({ host, origin }: IncomingMessage['headers']): Headers =>
  new Headers({ ...(host !== undefined && { host }), ...(origin !== undefined && { origin }) });

/** A word that is written wrong must not be an order without it. */
const STRICT = { ignoreUnknownFields: false };

/**
 * Decodes a message as the library will do again: what that says of a message that it cannot decode is no error of ours, with neither code nor details.
 * @throws ARGUMENT_INVALID
 */
function refuseForeign(sent: { readonly json: unknown } | { readonly bytes: Uint8Array }, { input }: DescMethod): void {
  if ('json' in sent && (typeof sent.json !== 'object' || sent.json === null || Array.isArray(sent.json)))
    throw fail('ARGUMENT_INVALID', 'the body must be an object');
  try {
    if ('bytes' in sent) fromBinary(input, sent.bytes);
    else fromJson(input, sent.json as JsonValue, STRICT);
  } catch (thrown) {
    const { message, cause } = thrown as Error;
    const at = isFieldError(cause) ? cause.field() : null;
    const field = at?.kind === 'field' && at.parent === input ? at.name : undefined;
    throw failWith('ARGUMENT_INVALID', message, field === undefined ? {} : { field });
  }
}

/** Puts every RPC of the contract behind the router. @returns the methods, by path */
function addTo(router: ConnectRouter, rpcs: readonly ByteRpc[], services: Services): ReadonlyMap<string, DescMethod> {
  const methods = new Map<string, DescMethod>();
  const contract = createFileRegistry(fromBinary(FileDescriptorSetSchema, contractImage()));
  for (const rpc of rpcs) {
    const [, service = '', name] = rpc.path.split('/');
    const method = contract.getService(service)?.methods.find((each) => each.name === name);
    if (!method) throw new Error(`${rpc.path} is not in the image of the contract`);
    const stream = (request: Message, context: HandlerContext) =>
      answersTo({ rpc, method, request, context, services });
    const unary = async (request: Message, context: HandlerContext) => (await stream(request, context).next()).value;
    router.rpc(method, (rpc.responseStream ? stream : unary) as never, {
      readMaxBytes: httpSizeLimitOf(rpc.path).limit,
    });
    methods.set(rpc.path, method);
  }
  return methods;
}

/**
 * Looks at the headers of a call before any of its body is read: who calls, and how much is announced. What is not announced is
 * cut off by the library at the same limit.
 */
async function admit({ method, requestHeader, values }: HandlerContext, services: Services): Promise<void> {
  const path = `/${method.parent.typeName}/${method.name}`;
  try {
    const sent = values.get(SENT);
    if (sent === null) throw fail('INTERNAL', `${path} came without a connection`);
    const credentials = credentialsOf(requestHeader, sent);
    const trace = sentTrace(requestHeader);
    values.set(CALLER, { identity: await services.identify(credentials), peer: credentials.peer, trace });
    refuseAnnounced(path, requestHeader);
  } catch (error) {
    throw toConnectError(sayable(error, path, services.log, services.chance));
  }
}

/** An answer whose headers are sent before it has a message: the library itself waits for the first. */
function earlyAnswer(header: Headers, answering: Promise<UniversalServerResponse>): UniversalServerResponse {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    // A chunk of nothing, with which the headers go.
    yield new Uint8Array();
    yield* ((await answering).body ?? []) as AsyncIterable<Uint8Array>;
  };
  return { status: 200, header, body: body() };
}

/** One call. */
interface RpcCall {
  readonly rpc: ByteRpc;
  readonly method: DescMethod;
  readonly request: Message;
  readonly context: HandlerContext;
  readonly services: Services;
}

/** The generated code of the services knows other objects for the same messages; they meet in bytes. */
async function* answersTo({ rpc, method, request, context, services }: RpcCall): AsyncGenerator<Message> {
  const { signal, responseHeader, values } = context;
  const onHeader = (header: SentHeader): void => {
    for (const [name, value] of header) responseHeader.set(name, value);
    values.get(BEGUN)(responseHeader);
  };
  try {
    const caller = values.get(CALLER);
    if (caller === null) throw fail('INTERNAL', `${rpc.path} came without a caller`);
    const answers = rpc.call(toBinary(method.input, request), { ...caller, signal, onHeader });
    for await (const bytes of answers) yield fromBinary(method.output, bytes);
  } catch (error) {
    // The client's own deadline is its reason; one that has gone hears nothing.
    if (signal.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
    throw toConnectError(sayable(error, rpc.path, services.log, services.chance));
  }
}

/** An error of ours with all that it says over gRPC. */
function toConnectError(error: CountermandError): ConnectError {
  const message = cutText(error.message, KEPT_LIMITS.answer_text.limit);
  const told = new ConnectError(message, codeOf(error), { [ERROR_CODE_HEADER]: error.code, ...challengeOf(error) });
  told.details = detailsOf(error, message).map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.indexOf('/') + 1),
    value,
  }));
  return told;
}

/** The codes of Connect are those of gRPC, written otherwise: NOT_FOUND is NotFound. */
function codeOf({ row }: CountermandError): Code {
  const words = row.status === 'CANCELLED' ? 'CANCELED' : row.status;
  const name = words.toLowerCase().replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Code[name as keyof typeof Code] ?? Code.Unknown;
}

/** Refuses a body that does not come in time. */
function endSlowBody(request: IncomingMessage, response: ServerResponse, { clock }: Services): void {
  const { limit } = HTTP_LIMITS.body_ms;
  const timer = clock.after(limit, () => {
    const sentence = `the body did not come within ${limit / 1000} s; nothing was done`;
    say(response, 408, Code.DeadlineExceeded, sentence, { Connection: 'close' });
  });
  for (const [stream, event] of [
    [request, 'end'],
    [response, 'close'],
  ] as const)
    stream.once(event, () => timer.cancel());
}

const textOf = (code: Code, message: string): string => JSON.stringify({ code: codeToString(code), message });

/** Refuses before a call has begun, in the form of Connect; cuts off an answer that has begun. */
function say(response: ServerResponse, status: number, code: Code, sentence: string, headers = {}): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(textOf(code, sentence));
}

const TYPES =
  'application/json, application/proto, or of a stream application/connect+json and application/connect+proto';

/** The library refuses a method and a content type without a word. */
function sayWhy(answered: UniversalServerResponse, request: IncomingMessage): UniversalServerResponse {
  const { method = '', headers, url } = request;
  const sentences: Readonly<Record<number, string>> = {
    405: `${method.slice(0, 20)} is not a method of ${url?.slice(0, 200)}; it has POST`,
    415: `Content-Type is ${(headers['content-type'] ?? 'missing').slice(0, 100)}; it is ${TYPES}, or one of gRPC-Web`,
  };
  const sentence = sentences[answered.status];
  if (sentence === undefined) return answered;
  const header = new Headers(answered.header);
  header.set('Content-Type', 'application/json');
  const text = textOf(answered.status === 405 ? Code.Unimplemented : Code.InvalidArgument, sentence);
  return { ...answered, header, body: createAsyncIterable([Buffer.from(text)]) };
}

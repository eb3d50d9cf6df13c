/**
 * Clients of the services in this process: what HTTP calls. They pass what a call over a socket passes, and no verb is
 * implemented twice.
 */
import { type CallContext, Metadata, type ServerMiddlewareCall } from 'nice-grpc';
import { fail } from '../../core/errors.ts';
import type { LimitRow } from '../../core/limits.ts';
import type { TraceContext } from '../../core/tracing.ts';
import type { AccessServiceClient } from '../../gen/countermand/v1/access.ts';
import type { ActionPlanServiceClient } from '../../gen/countermand/v1/action_plan.ts';
import type { AuditServiceClient } from '../../gen/countermand/v1/audit.ts';
import type { ConductorServiceClient } from '../../gen/countermand/v1/conductor.ts';
import type { NodeServiceClient } from '../../gen/countermand/v1/node.ts';
import type { NotificationServiceClient } from '../../gen/countermand/v1/notification.ts';
import type { PowerServiceClient } from '../../gen/countermand/v1/power.ts';
import type { Asked } from '../access/identity.ts';
import { sayable } from './errors.ts';
import { guarded } from './guards.ts';
import { refuseParts, unread } from './reading.ts';
import { type Called, SERVED, type Services } from './services.ts';
import { metadataOf } from './traced.ts';

/** A client of each service, for one caller. What they throw is a CountermandError that the caller may see. */
export interface Clients {
  readonly itself: ConductorServiceClient;
  readonly access: AccessServiceClient;
  readonly nodes: NodeServiceClient;
  readonly power: PowerServiceClient;
  readonly plans: ActionPlanServiceClient;
  readonly audits: AuditServiceClient;
  readonly notifications: NotificationServiceClient;
}

/** What a call says before its first answer: names and values. */
export type SentHeader = readonly (readonly [name: string, value: string])[];

/** Who calls: the abort of the signal means that the caller has gone, and stops no work. */
interface Caller extends Asked {
  readonly signal: AbortSignal;
  /** The address that the request came from. */
  readonly peer: string;
  /** Told once what a call says before its first answer, as soon as it says so, where the protocol can pass it on. */
  readonly onHeader?: (header: SentHeader) => void;
  /** Where it stands in a trace. */
  readonly trace?: TraceContext | null;
  /** The call is a part of one that has a span of its own. */
  readonly inside?: boolean;
}

/** One RPC, as it is called here. */
interface Method {
  readonly name: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestType: { fromPartial(message: object): unknown; decode(bytes: Uint8Array): unknown };
  readonly responseType: {
    fromPartial(message: object): unknown;
    encode(message: unknown): { finish(): Uint8Array };
  };
}

interface Definition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, Method>>;
}

type Implement = (request: unknown, context: CallContext & Called) => unknown;

/** One call. */
interface Call {
  readonly method: Method;
  readonly path: string;
  readonly implement: Implement;
  readonly message: unknown;
  readonly services: Services;
  readonly caller: Caller;
}

/** An RPC as bytes, for a protocol that reads and writes messages in its own way. */
export interface ByteRpc {
  /** As a URL has it: `/countermand.v1.NodeService/ListNodes`. */
  readonly path: string;
  readonly responseStream: boolean;
  /**
   * Calls it: one answer, or those of a stream. A caller that has gone ends it.
   * @throws CountermandError that the caller may see, also for bytes that are too many or not a message
   */
  call(request: Uint8Array, caller: Caller): AsyncGenerator<Uint8Array>;
  /**
   * Refuses a request for a decoder that costs more than ours.
   * @throws MESSAGE_TOO_LARGE for more parts than that, ARGUMENT_INVALID for bytes that are not a message
   */
  refuseParts(request: Uint8Array, limit: LimitRow): Promise<void>;
}

/** The clients of one caller. */
export function clientsOf(services: Services, caller: Caller): Clients {
  const clients = contracts().map(([key, definition]) => [key, clientOf(definition, key, services, caller)]);
  return Object.fromEntries(clients);
}

const contracts = () => Object.entries(SERVED) as unknown as [key: keyof typeof SERVED, definition: Definition][];

function clientOf({ fullName, methods }: Definition, key: keyof typeof SERVED, services: Services, caller: Caller) {
  const calls = Object.entries(methods).map(([name, method]) => {
    const path = `/${fullName}/${method.name}`;
    const implement = implementationOf(name, services[key]);
    const call = (request: object): unknown => {
      const message = method.requestType.fromPartial(request);
      const answers = answersOf({ method, path, implement, message, services, caller });
      return method.responseStream ? wholeAnswers(answers, method) : first(wholeAnswers(answers, method));
    };
    return [name, call];
  });
  return Object.fromEntries(calls);
}

const implementationOf =
  (name: string, service: object): Implement =>
  (request, context) =>
    (service as Record<string, Implement>)[name]?.(request, context);

/** Every RPC that clients call, as bytes. */
export function byteRpcsOf(services: Services): ByteRpc[] {
  return contracts().flatMap(([key, definition]) => {
    const { fullName, methods } = unread(definition);
    return Object.entries(methods).map(([name, method]) => {
      const read = definition.methods[name]?.requestType ?? method.requestType;
      const path = `/${fullName}/${method.name}`;
      const implement = implementationOf(name, services[key]);
      return {
        path,
        responseStream: method.responseStream,
        async *call(request: Uint8Array, caller: Caller) {
          const message = method.requestType.decode(request);
          const answers = answersOf({ method, path, implement, message, services, caller });
          for await (const answer of wholeAnswers(answers, method)) yield method.responseType.encode(answer).finish();
        },
        refuseParts: (request: Uint8Array, limit: LimitRow) => refuseParts(request, read, path, limit),
      };
    });
  });
}

async function* wholeAnswers(answers: AsyncIterable<unknown>, { responseType }: Method): AsyncGenerator<unknown> {
  for await (const answer of answers) yield responseType.fromPartial(answer as object);
}

async function first(answers: AsyncIterable<unknown>): Promise<unknown> {
  for await (const answer of answers) return answer;
  throw new Error('a call ended without an answer');
}

/** What a call answers, with errors that the caller may see. */
async function* answersOf(call: Call): AsyncGenerator<unknown> {
  const { method, path, services } = call;
  try {
    if (method.responseStream) yield* held(call);
    else yield (await held(call).next()).value;
  } catch (error) {
    throw sayable(error, path, services.log, services.chance);
  }
}

/** The call behind everything that a call passes. */
function held({ method, path, implement, message, services, caller }: Call): AsyncGenerator<unknown, unknown> {
  const { requestStream, responseStream } = method;
  if (requestStream) throw fail('INTERNAL', `${path} takes a stream, which nothing in this process sends`);
  const next = (request: unknown, context: CallContext): unknown => {
    const answered = implement(request, context as CallContext & Called);
    return responseStream ? answered : { next: async () => ({ done: true, value: await answered }) };
  };
  const { identity, signal, peer, trace = null, inside = false } = caller;
  const header = Metadata();
  const sendHeader = (): void => {
    const sent = [...header].flatMap(([name, values]) => values.map((value) => [name, String(value)] as const));
    caller.onHeader?.(sent);
  };
  const sent = { metadata: Metadata(metadataOf(trace)), peer, header, trailer: Metadata(), sendHeader, signal };
  const context = { ...sent, identity, inside };
  const descriptor = { path, requestStream, responseStream, options: {} };
  const call = { method: descriptor, requestStream, request: message, responseStream, next };
  return guarded<Called, Asked>(services.hold)(
    call as unknown as ServerMiddlewareCall<unknown, unknown, Called>,
    context,
  );
}

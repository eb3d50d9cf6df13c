/**
 * Clients of the services in this process: what HTTP calls. They pass what a call over a socket passes, and no verb is
 * implemented twice.
 */
import { type CallContext, Metadata, type ServerMiddlewareCall } from 'nice-grpc';
import { fail } from '../../core/errors.ts';
import { type ActionPlanServiceClient, ActionPlanServiceDefinition } from '../../gen/countermand/v1/action_plan.ts';
import { type AuditServiceClient, AuditServiceDefinition } from '../../gen/countermand/v1/audit.ts';
import { type ConductorServiceClient, ConductorServiceDefinition } from '../../gen/countermand/v1/conductor.ts';
import { type NodeServiceClient, NodeServiceDefinition } from '../../gen/countermand/v1/node.ts';
import {
  type NotificationServiceClient,
  NotificationServiceDefinition,
} from '../../gen/countermand/v1/notification.ts';
import { type PowerServiceClient, PowerServiceDefinition } from '../../gen/countermand/v1/power.ts';
import type { Asked } from '../access/identity.ts';
import { sayable } from './errors.ts';
import type { Services } from './services.ts';

/** A client of each service, for one caller. What they throw is a CountermandError that the caller may see. */
export interface Clients {
  readonly itself: ConductorServiceClient;
  readonly nodes: NodeServiceClient;
  readonly power: PowerServiceClient;
  readonly plans: ActionPlanServiceClient;
  readonly audits: AuditServiceClient;
  readonly notifications: NotificationServiceClient;
}

/** Who calls: the abort of the signal means that the caller has gone, and stops no work. */
interface Caller extends Asked {
  readonly signal: AbortSignal;
  /** The address that the request came from. */
  readonly peer: string;
}

/** One RPC, as it is called here. */
interface Method {
  readonly name: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestType: { fromPartial(message: object): unknown };
  readonly responseType: { fromPartial(message: object): unknown };
}

interface Definition {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, Method>>;
}

type Implement = (request: unknown, context: CallContext & Asked) => unknown;

/** One call. */
interface Call {
  readonly method: Method;
  readonly path: string;
  readonly implement: Implement;
  readonly request: object;
  readonly services: Services;
  readonly caller: Caller;
}

/** The clients of one caller. */
export function clientsOf(services: Services, caller: Caller): Clients {
  const client = (definition: object, service: object): never =>
    clientOf(definition, service, services, caller) as never;
  return {
    itself: client(ConductorServiceDefinition, services.itself),
    nodes: client(NodeServiceDefinition, services.nodes),
    power: client(PowerServiceDefinition, services.power),
    plans: client(ActionPlanServiceDefinition, services.plans),
    audits: client(AuditServiceDefinition, services.audits),
    notifications: client(NotificationServiceDefinition, services.notifications),
  };
}

function clientOf(definition: object, service: object, services: Services, caller: Caller): object {
  const { fullName, methods } = definition as Definition;
  const calls = Object.entries(methods).map(([key, method]) => {
    const path = `/${fullName}/${method.name}`;
    const implement: Implement = (request, context) => (service as Record<string, Implement>)[key]?.(request, context);
    const call = (request: object): unknown => {
      const parts = { method, path, implement, request, services, caller };
      return method.responseStream ? stream(parts) : unary(parts);
    };
    return [key, call];
  });
  return Object.fromEntries(calls);
}

async function unary(call: Call): Promise<unknown> {
  const { method, path, services } = call;
  try {
    const { value } = await held(call).next();
    return method.responseType.fromPartial(value as object);
  } catch (error) {
    throw sayable(error, path, services.log, services.chance);
  }
}

async function* stream(call: Call): AsyncGenerator<unknown> {
  const { method, path, services } = call;
  try {
    for await (const message of held(call)) yield method.responseType.fromPartial(message as object);
  } catch (error) {
    throw sayable(error, path, services.log, services.chance);
  }
}

/** The call behind everything that a call passes. */
function held({ method, path, implement, request, services, caller }: Call): AsyncGenerator<unknown, unknown> {
  const { requestType, requestStream, responseStream } = method;
  if (requestStream) throw fail('INTERNAL', `${path} takes a stream, which nothing in this process sends`);
  const next = async function* (message: unknown, context: CallContext): AsyncGenerator<unknown, unknown> {
    const answered = implement(message, context as CallContext & Asked);
    if (!responseStream) return await answered;
    return yield* answered as AsyncIterable<unknown>;
  };
  const { identity, signal, peer } = caller;
  const context = { metadata: Metadata(), peer, header: Metadata(), trailer: Metadata(), sendHeader() {}, signal };
  const descriptor = { path, requestStream, responseStream, options: {} };
  const message = requestType.fromPartial(request);
  const call = { method: descriptor, requestStream, request: message, responseStream, next };
  return services.hold(
    call as unknown as ServerMiddlewareCall<unknown, unknown>,
    {
      ...context,
      identity,
    } as CallContext,
  );
}

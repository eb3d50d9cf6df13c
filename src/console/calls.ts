/** The calls of the page: gRPC-Web to the conductor that has served it, with the credentials that were typed in. */
import {
  ClientError,
  type ClientMiddleware,
  createChannel,
  createClientFactory,
  FetchTransport,
  Metadata,
  Status,
} from 'nice-grpc-web';
import { type ActionPlanServiceClient, ActionPlanServiceDefinition } from '../gen/countermand/v1/action_plan.ts';
import { type AuditServiceClient, AuditServiceDefinition } from '../gen/countermand/v1/audit.ts';
import { type ConductorServiceClient, ConductorServiceDefinition } from '../gen/countermand/v1/conductor.ts';
import { type NodeServiceClient, NodeServiceDefinition } from '../gen/countermand/v1/node.ts';
import { type NotificationServiceClient, NotificationServiceDefinition } from '../gen/countermand/v1/notification.ts';
import { type PowerServiceClient, PowerServiceDefinition } from '../gen/countermand/v1/power.ts';
import type { Failure } from './link.ts';

/** The services of the conductor. */
export interface Conductor {
  readonly nodes: NodeServiceClient;
  readonly power: PowerServiceClient;
  readonly plans: ActionPlanServiceClient;
  readonly audits: AuditServiceClient;
  readonly notifications: NotificationServiceClient;
  readonly itself: ConductorServiceClient;
}

/**
 * The services at an origin. No request goes anywhere else.
 * @param authorization answers the header `Authorization` of each call; null: the call has none
 */
export function connect(origin: string, authorization: () => string | null): Conductor {
  // A client certificate is a credential too: the browser shows it to the own origin alone.
  const channel = createChannel(origin, FetchTransport({ credentials: 'same-origin', cache: 'no-store' }));
  const factory = createClientFactory().use(signed(authorization));
  return {
    nodes: factory.create(NodeServiceDefinition, channel),
    power: factory.create(PowerServiceDefinition, channel),
    plans: factory.create(ActionPlanServiceDefinition, channel),
    audits: factory.create(AuditServiceDefinition, channel),
    notifications: factory.create(NotificationServiceDefinition, channel),
    itself: factory.create(ConductorServiceDefinition, channel),
  };
}

function signed(authorization: () => string | null): ClientMiddleware {
  return async function* (call, options) {
    const metadata = Metadata(options.metadata);
    const said = authorization();
    if (said !== null) metadata.set('authorization', said);
    return yield* call.next(call.request, { ...options, metadata });
  };
}

/** What is told of a call that was lost: the browser's own words name no reason. */
const LOST = 'the conductor does not answer';

/** What a failed call says. A conductor that answers never says UNKNOWN: that is what the browser says of a broken connection. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof ClientError)) return { kind: 'lost', sentence: LOST };
  const { code, details } = error;
  if (code === Status.UNAUTHENTICATED) return { kind: 'signed out', sentence: details };
  if (code === Status.UNAVAILABLE) return { kind: 'lost', sentence: details || LOST };
  if (code === Status.UNKNOWN) return { kind: 'lost', sentence: LOST };
  return { kind: 'refused', sentence: details || `refused with ${Status[code]}` };
}

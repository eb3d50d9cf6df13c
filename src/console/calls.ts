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
import { ERROR_CODE_KEY } from '../core/metadata.ts';
import { type ActionPlanServiceClient, ActionPlanServiceDefinition } from '../gen/countermand/v1/action_plan.ts';
import { type AuditServiceClient, AuditServiceDefinition } from '../gen/countermand/v1/audit.ts';
import { type ConductorServiceClient, ConductorServiceDefinition } from '../gen/countermand/v1/conductor.ts';
import { type NodeServiceClient, NodeServiceDefinition } from '../gen/countermand/v1/node.ts';
import { type NotificationServiceClient, NotificationServiceDefinition } from '../gen/countermand/v1/notification.ts';
import { type PowerServiceClient, PowerServiceDefinition } from '../gen/countermand/v1/power.ts';
import type { Failure } from './link.ts';

/** The clients of the services of the conductor. */
export interface Client {
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
export function connect(origin: string, authorization: () => string | null): Client {
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

/** A call that has failed. */
export class CallError extends Error {
  readonly status: Status;
  /** Our code; empty if the conductor has not answered. */
  readonly code: string;

  /** @param sentence what the conductor, or the browser, said */
  constructor(status: Status, code: string, sentence: string) {
    super(sentence);
    this.status = status;
    this.code = code;
  }
}

function signed(authorization: () => string | null): ClientMiddleware {
  return async function* (call, options) {
    const metadata = Metadata(options.metadata);
    const said = authorization();
    if (said !== null) metadata.set('authorization', said);
    let code = '';
    const onTrailer = (trailer: Metadata): void => {
      code = trailer.get(ERROR_CODE_KEY) ?? '';
    };
    try {
      return yield* call.next(call.request, { ...options, metadata, onTrailer });
    } catch (error) {
      throw error instanceof ClientError ? new CallError(error.code, code, error.details) : error;
    }
  };
}

/** Codes with which a conductor says that it serves no more, or cannot know who calls. */
const AWAY = ['NOT_LEADING', 'LEADERSHIP_LOST', 'DATABASE_TAKEN', 'SHUTTING_DOWN', 'KEYS_UNREACHABLE'];
/** Those of them after which nothing was done. */
const NOTHING_DONE = ['NOT_LEADING', 'KEYS_UNREACHABLE'];

/** What a failed call says. Where there is no code of ours, the connection broke: the browser's own words name no reason. */
export function failureOf(error: unknown): Failure {
  const told = error instanceof CallError && error.code !== '' ? error : null;
  if (told === null) return { kind: 'lost', sentence: 'the conductor does not answer', code: '', mayBeDone: true };
  const { code, message: sentence, status } = told;
  if (AWAY.includes(code)) return { kind: 'lost', sentence, code, mayBeDone: !NOTHING_DONE.includes(code) };
  return { kind: status === Status.UNAUTHENTICATED ? 'signed out' : 'refused', sentence, code, mayBeDone: false };
}

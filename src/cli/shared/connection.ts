/** The connection to the conductor: one channel, its clients, and its errors as ours. */
import { ClientError, type ClientMiddleware, createClientFactory, Metadata, Status } from 'nice-grpc';
import { openChannelTo } from '../../agent/secure_channel.ts';
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, type ErrorDetails, fail, failWith, isErrorCode } from '../../core/errors.ts';
import { ERROR_CODE_KEY, STATUS_DETAILS_KEY } from '../../core/metadata.ts';
import { whyNeverConnected } from '../../core/never_connected.ts';
import { readTraceContext, traceparentOf } from '../../core/tracing.ts';
import { type AccessServiceClient, AccessServiceDefinition } from '../../gen/countermand/v1/access.ts';
import { type ActionPlanServiceClient, ActionPlanServiceDefinition } from '../../gen/countermand/v1/action_plan.ts';
import { type AuditServiceClient, AuditServiceDefinition } from '../../gen/countermand/v1/audit.ts';
import { type ConductorServiceClient, ConductorServiceDefinition } from '../../gen/countermand/v1/conductor.ts';
import { type NodeServiceClient, NodeServiceDefinition } from '../../gen/countermand/v1/node.ts';
import {
  type NotificationServiceClient,
  NotificationServiceDefinition,
} from '../../gen/countermand/v1/notification.ts';
import { type PowerServiceClient, PowerServiceDefinition } from '../../gen/countermand/v1/power.ts';
import { addressesIn, areAddresses, DEFAULT_ADDRESS, isLoopback } from './address.ts';
import { readDetails } from './details.ts';
import { oneLine } from './harmless.ts';
import { askOthers, Conductors } from './others.ts';
import type { Place } from './place.ts';
import type { Environment } from './terminal.ts';

/** A conductor that does not answer is given up after this. */
const CONNECT_LIMIT_MS = 5000;

const CHANNEL_OPTIONS = {
  // nice-grpc reads this as the limit of one attempt to connect; grpc-js itself has none.
  'grpc.min_reconnect_backoff_ms': CONNECT_LIMIT_MS,
  // A conductor that freezes while it is watched is noticed, instead of waited for.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  // A proxy for the web has no business between a command and its conductor.
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
};

/** An open connection. */
export interface Client {
  /** HOST:PORT of the one that is asked now, where several may be. */
  readonly address: string;
  readonly nodes: NodeServiceClient;
  readonly power: PowerServiceClient;
  readonly plans: ActionPlanServiceClient;
  readonly audits: AuditServiceClient;
  readonly notifications: NotificationServiceClient;
  readonly itself: ConductorServiceClient;
  readonly access: AccessServiceClient;
}

/** What is around a command. */
interface Around {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly environment?: Environment;
}

/** The trace that whoever has started the command is in, by the variables that tools agree on. */
function traceIn({ TRACEPARENT, TRACESTATE }: Environment): Record<string, string> {
  const trace = readTraceContext(TRACEPARENT, TRACESTATE);
  if (trace === null) return {};
  return { traceparent: traceparentOf(trace), ...(trace.state !== '' && { tracestate: trace.state }) };
}

/**
 * Lets `use` talk to the conductor at a place, then closes the connection. Where the place has several addresses, another one is asked
 * when the first has gone or does not lead. The abort of `signal` ends every call.
 * All that the calls throw is a CountermandError: the conductor's own, CONDUCTOR_UNREACHABLE if none answers, or the
 * reason of the abort.
 */
export async function withConductor<T>(
  place: Place,
  use: (conductor: Client) => Promise<T>,
  { clock, signal, environment = {} }: Around,
): Promise<T> {
  const { address, tls, token } = place;
  const open = (one: string) => openChannelTo(one, tls, CHANNEL_OPTIONS);
  const conductors = new Conductors(checkAddresses(address), open);
  const { channel } = conductors;
  const asked = {
    ...place,
    get address() {
      return conductors.address;
    },
  };
  // In plaintext nothing goes to another host that was not named: whoever answered may be anyone.
  const mayLearn = (one: string): boolean => tls !== null || isLoopback(one);
  const factory = createClientFactory()
    .use(errorsOfOurs(asked))
    .use(askOthers({ conductors, clock, provesUnsent, mayLearn }));
  const metadata = Metadata({ ...(token !== null && { authorization: `Bearer ${token}` }), ...traceIn(environment) });
  const always = { '*': { signal, metadata } };
  try {
    return await use({
      get address() {
        return conductors.address;
      },
      nodes: factory.create(NodeServiceDefinition, channel, always),
      power: factory.create(PowerServiceDefinition, channel, always),
      plans: factory.create(ActionPlanServiceDefinition, channel, always),
      audits: factory.create(AuditServiceDefinition, channel, always),
      notifications: factory.create(NotificationServiceDefinition, channel, always),
      access: factory.create(AccessServiceDefinition, channel, always),
      itself: factory.create(ConductorServiceDefinition, channel, always),
    });
  } finally {
    conductors.close();
  }
}

function checkAddresses(text: string): string[] {
  if (areAddresses(text)) return addressesIn(text);
  throw fail(
    'ARGUMENT_INVALID',
    `'${text}' is no address of a conductor; it must be HOST:PORT, as ${DEFAULT_ADDRESS}, or several with commas between them`,
  );
}

function errorsOfOurs(place: Place): ClientMiddleware {
  return async function* translate(call, options) {
    let code: string | undefined;
    let details: ErrorDetails = {};
    const readCode: typeof options.onTrailer = (trailer) => {
      code = trailer.get(ERROR_CODE_KEY);
      details = readDetails(trailer.get(STATUS_DETAILS_KEY));
      options.onTrailer?.(trailer);
    };
    try {
      return yield* call.next(call.request, { ...options, onTrailer: readCode });
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw error instanceof ClientError ? asOurs(error, code, details, place) : error;
    }
  };
}

/** True if the error proves that nothing was sent to the conductor. */
export function provesUnsent(error: CountermandError): boolean {
  return error.cause instanceof ClientError && whyNeverConnected(error.cause.details) !== null;
}

/** Statuses that grpc itself gives when the connection broke. */
const LOST: readonly Status[] = [Status.UNAVAILABLE, Status.CANCELLED, Status.UNKNOWN];

function asOurs(error: ClientError, code: string | undefined, told: ErrorDetails, place: Place): CountermandError {
  const { details } = error;
  const { address } = place;
  // It may repeat what another caller has written, as the reason of a freeze: a line break there would begin a line of ours.
  const sentence = oneLine(details);
  if (code !== undefined && isErrorCode(code)) return failWith(code, sentence, told);
  if (code !== undefined) return fail('INTERNAL', `${sentence} (${code}, an error that this version does not know)`);
  const unreachable = (sentence: string) => fail('CONDUCTOR_UNREACHABLE', sentence, error);
  const never = whyNeverConnected(details);
  const handshake = never === null ? null : whyNoHandshake(never, place);
  if (handshake !== null) return unreachable(handshake);
  if (never !== null)
    return unreachable(
      `no conductor answers at ${address} (${never}); start one with 'countermand serve', or name another with --conductor HOST:PORT`,
    );
  if (LOST.includes(error.code)) return unreachable(`the connection to the conductor at ${address} broke (${details})`);
  if (error.code === Status.UNIMPLEMENTED)
    return unreachable(`what answers at ${address} does not know ${error.path}; it is no conductor, or an older one`);
  return fail('INTERNAL', `the conductor at ${address} failed: ${details}`, error);
}

/** What OpenSSL says when the other side does not speak TLS, and what its refusals of a certificate have in common. */
const NO_TLS = /wrong version number|packet length too long/;
const NOT_ACCEPTED = /certificate|altnames/i;
/** What a plaintext client hears of a port that speaks TLS: nothing that says so. */
const HEARD_NOTHING = /^Failed to connect|ECONNRESET|socket hang up|closed/i;

/** Why the two do not understand each other, where the reason is TLS; null if it is another. */
function whyNoHandshake(reason: string, { address, tls }: Place): string | null {
  if (tls === null && HEARD_NOTHING.test(reason))
    return `what listens at ${address} does not speak plaintext gRPC (${reason}); if it speaks TLS, name the authority of its certificate with --ca FILE`;
  if (tls !== null && NO_TLS.test(reason))
    return `what listens at ${address} does not speak TLS; on a network that you trust, --insecure speaks plaintext`;
  if (tls === null || !NOT_ACCEPTED.test(reason)) return null;
  const sentence = reason.replace(/^Error \[\w+\]: /, '').split('\n')[0];
  return `the certificate of the conductor at ${address} is not accepted (${sentence}); --ca FILE names its authority, --server-name NAME the name in it`;
}

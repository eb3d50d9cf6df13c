/** The conductor's sockets: services, health and reflection over gRPC. */
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { createServer, type ServiceImplementation } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { fail } from '../../core/errors.ts';
import { SENT_LIMITS } from '../../core/limits.ts';
import type { TlsSource } from '../../core/tls.ts';
import { AgentServiceDefinition } from '../../gen/countermand/v1/agent.ts';
import type { NodeServiceDefinition } from '../../gen/countermand/v1/node.ts';
import { createAgentService } from './agent_service.ts';
import { CallPlaces } from './call_places.ts';
import { errorsToStatus } from './calls.ts';
import { Connections } from './connections.ts';
import type { Front } from './front.ts';
import { certificateIn, credentialsOf, passCertificates } from './grpc_tls.ts';
import { guarded, inTurn } from './guards.ts';
import { identifyCaller } from './identified.ts';
import { refusePacked } from './packing.ts';
import { unread } from './reading.ts';
import type { openReflection } from './reflection.ts';
import { type Called, SERVED } from './services.ts';
import { UnreadStreams } from './unread_streams.ts';

const asIs = (bytes: Buffer): Buffer => bytes;

/** Server reflection as standard clients ask for it, whose messages stay bytes: `reflection.ts` decodes them. */
const REFLECTION = {
  serverReflectionInfo: {
    path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const;

function reflection(names: readonly string[]): ServiceImplementation<typeof REFLECTION> {
  let opened: ReturnType<typeof openReflection> | null = null;
  return {
    async *serverReflectionInfo(requests, context) {
      const { openReflection: open } = await import('./reflection.ts');
      opened ??= open(names);
      yield* opened(requests, context);
    },
  };
}

/** A peer that is frozen is noticed by pings that it does not answer; idle clients may ping as often as ours do. */
const KEEPALIVE = {
  'grpc.keepalive_time_ms': 10_000,
  // Past it the library drops the connection, which clients take for a fault, INTERNAL. A computer that is busy may well need 5 s.
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.http2.min_ping_interval_without_data_ms': 5_000,
};

/** A little more than the largest message of any RPC: `reading.ts` holds each RPC to its own limit, and says which. */
const MESSAGE_LIMIT = { 'grpc.max_receive_message_length': SENT_LIMITS.plan_message_bytes.limit + 2 ** 20 };

/** A listening conductor. */
interface Listener {
  /** The port that is listened on, also if 0 was asked for. */
  readonly port: number;
  /** Closes the port when the calls have ended, which the conductor has been told to do; cuts off what goes on. */
  close(): Promise<void>;
}

/** Where a conductor listens. */
interface ListenerPlace {
  /** HOST:PORT, with an IPv6 host in brackets. */
  readonly address: string;
  /** How many files the process may open. A quarter of them is for the connections of clients. */
  readonly openFilesLimit: number;
  /** What it shows, and whom it trusts. Null: it speaks plaintext. */
  readonly tls: TlsSource | null;
  /** There may be other conductors: while one of them leads, connections are passed on to it. */
  readonly amongOthers: boolean;
  /** How long calls under way may take to end when it is closed. */
  readonly drainTimeoutMs: number;
  /** How long the client of a stream may leave messages unread. */
  readonly streamReadTimeoutMs: number;
}

/**
 * Listens for gRPC; calls are served by whoever leads.
 * @throws LISTEN_FAILED with the address
 */
export async function listen(
  front: Front,
  { address, openFilesLimit, tls, amongOthers, drainTimeoutMs, streamReadTimeoutMs }: ListenerPlace,
): Promise<Listener> {
  // What goes wrong there comes as an error; its own lines would stand between ours.
  setLogVerbosity(logVerbosity.NONE);
  const { services, log, clock, chance } = front;
  const leader = amongOthers ? () => front.elsewhere()?.grpc ?? null : undefined;
  const connections = new Connections({ clock, log, openFilesLimit, leader });
  const asksForCertificate = tls !== null && tls.current().ca !== null;
  const ended = (rpc: string): void => services.registry.add('countermand_streams_not_read_total', { rpc });
  const unreadStreams = new UnreadStreams({ clock, log, limitMs: streamReadTimeoutMs, ended });
  const certificates = asksForCertificate ? [passCertificates] : [];
  const callPlaces = new CallPlaces(clock, streamReadTimeoutMs);
  const interceptors = { interceptors: [...certificates, callPlaces.watch, refusePacked, unreadStreams.watch] };
  const identify = identifyCaller(services.identify, asksForCertificate ? certificateIn : () => null);
  const server = createServer({ ...KEEPALIVE, ...MESSAGE_LIMIT, ...interceptors })
    .use(errorsToStatus({ log, chance }, (answer) => connections.inTime(answer)))
    .use(guarded<Called, object>(inTurn<Called>([connections.refuseSpare(), identify, services.hold])));
  for (const key of Object.keys(SERVED) as (keyof typeof SERVED)[])
    server.add(unread(SERVED[key] as typeof NodeServiceDefinition), services[key] as typeof services.nodes);
  server.add(unread(AgentServiceDefinition), createAgentService(front, connections));
  const names = [...Object.values(SERVED), AgentServiceDefinition].map(({ fullName }) => fullName);
  const health = HealthState();
  // As many streams as are allowed may watch it; Node would write a warning between the lines of the log.
  (health as unknown as { setMaxListeners(limit: number): void }).setMaxListeners(0);
  const setHealth = (isHealthy: boolean): void => {
    for (const name of ['', ...names]) health.setStatus(isHealthy ? 'healthy' : 'unhealthy', name);
  };
  front.onChange(() => connections.follow());
  // An operator's probe and a load balancer see a full disk before an order is refused.
  front.onChange((term) => {
    if (term === null) setHealth(false);
    else term.conductor.disk.onChange((isFull) => setHealth(!isFull));
  });
  server.add(HealthDefinition, HealthServiceImpl(health));
  server.add(REFLECTION, reflection([...names, HealthDefinition.fullName]));
  const port = await connections
    .of(() => server.listen(address, credentialsOf(tls)))
    .catch((error: Error) => {
      // The reason stands in brackets, behind what grpc makes of it.
      const reason = /\[(.*)\]$/.exec(error.message)?.[1] ?? error.message;
      throw fail('LISTEN_FAILED', `cannot listen on ${address}: ${reason}; choose another address (listen)`, error);
    });
  return {
    port,
    async close() {
      await connections.end(server.shutdown(), drainTimeoutMs);
      unreadStreams.stop();
      callPlaces.stop();
      server.forceShutdown();
    },
  };
}

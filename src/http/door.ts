/** The HTTP door of a conductor: its socket, from the first connection to the last. */

import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { HTTP_LIMITS } from '../core/limits.ts';
import { openCancellation, untilAborted } from '../core/signals.ts';
import { type TlsSource, tlsOptions } from '../core/tls.ts';
import { ByAddress } from '../server/api/by_address.ts';
import type { Services } from '../server/api/services.ts';
import type { AppParts } from './app.ts';
import { onDemand } from './on_demand.ts';
import type { RpcParts } from './rpcs.ts';
import { endUnreadRest } from './unread.ts';

/** How long requests that are being served may take to end before they are cut off. */
const CLOSE_LIMIT_MS = 5000;

/** A door that listens. */
export interface Door {
  /** HOST:PORT, with the port that was taken if 0 was asked for. */
  readonly address: string;
  /** Takes no more connections, and resolves when the last has ended or was cut off. */
  close(): Promise<void>;
}

/** Where a door listens. */
export interface DoorPlace {
  /** HOST:PORT, with an IPv6 host in brackets. */
  readonly address: string;
  /** What it shows, and whom it trusts. Null: it speaks plaintext. */
  readonly tls: TlsSource | null;
  /** It is a loopback address. */
  readonly onLoopback: boolean;
  /** How many files the process may open. A quarter of them is for this door: gRPC, agents and BMCs need theirs. */
  readonly openFilesLimit: number;
  /** How long the client of a stream may read nothing of what waits for it, and how long one may take to read another answer. */
  readonly streamReadTimeoutMs: number;
}

/**
 * Listens for HTTP.
 * @throws LISTEN_FAILED with the address
 */
export async function openDoor(services: Services, place: DoorPlace): Promise<Door> {
  const { address, tls, onLoopback, openFilesLimit, streamReadTimeoutMs } = place;
  const { header_bytes, header_ms, idle_ms, connections, connections_of_address } = HTTP_LIMITS;
  const app: AppParts = { services, onLoopback };
  const listener = withRpcs(onDemand(loadApp(app), services.log), { ...app, streamReadTimeoutMs });
  const options: ServerOptions = {
    maxHeaderSize: header_bytes.limit,
    headersTimeout: header_ms.limit,
    // The body has a limit of its own, which is told in our form.
    requestTimeout: 0,
    keepAliveTimeout: idle_ms.limit,
  };
  const server = serverOf(
    options,
    readInTime(elsewhereOr(listener, services, tls), services.clock, streamReadTimeoutMs),
    tls,
  );
  server.maxConnections = Math.min(connections.limit, Math.floor(openFilesLimit / 4));
  holdAddresses(server, Math.min(connections_of_address.limit, Math.ceil(openFilesLimit / 8)));
  const port = await listen(server, address);
  return {
    address: address.replace(/:\d+$/, `:${port}`),
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const what = 'the last requests';
      const cancellation = openCancellation([], { clock: services.clock, afterMs: CLOSE_LIMIT_MS, what });
      await untilAborted(ended, cancellation.signal).catch(() => server.closeAllConnections());
      cancellation.end();
      await ended;
    },
  };
}

/** A server of HTTP, or of HTTPS whose new connections use the newest material. */
function serverOf(options: ServerOptions, listener: RequestListener, tls: TlsSource | null): Server | SecureServer {
  if (tls === null) return createServer(options, listener);
  const asksForCertificate = tls.current().ca !== null;
  const client = { requestCert: asksForCertificate, rejectUnauthorized: false };
  const server = createSecureServer({ ...options, ...client, ...tlsOptions(tls.current()) }, listener);
  tls.onChange((material) => server.setSecureContext(tlsOptions(material)));
  return server;
}

/** Holds the client of each answer to the time that it has to read it. */
function readInTime(listener: RequestListener, clock: Clock, limitMs: number): RequestListener {
  return (request, response) => {
    endUnreadRest(response, clock, limitMs);
    listener(request, response);
  };
}

/** Leaves connections to others, however many one address opens. */
function holdAddresses(server: Server, limit: number): void {
  const open = new ByAddress();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    if (open.of(address) >= limit) {
      socket.destroy();
      return;
    }
    open.add(address, 1);
    socket.once('close', () => open.add(address, -1));
  });
}

/** What is asked of a process, whether it leads or not. */
const OWN = ['/healthz', '/readyz', '/metrics'];

/** Sends clients to the conductor that leads, while this one stands by: with their own credentials, which are not read here. */
function elsewhereOr(listener: RequestListener, services: Services, tls: TlsSource | null): RequestListener {
  return (request, response) => {
    const url = request.url ?? '/';
    const http = OWN.includes(url.split('?', 1)[0] ?? '') ? null : (services.elsewhere()?.http ?? null);
    if (http === null || !url.startsWith('/')) return listener(request, response);
    const scheme = tls === null ? 'http' : 'https';
    response.writeHead(307, { Location: `${scheme}://${http}${url}`, 'Retry-After': '1', 'Cache-Control': 'no-store' });
    response.end();
  };
}

/** What the paths of RPCs begin with. */
const RPCS = '/countermand.v1.';

/** Serves RPCs as well. */
function withRpcs(otherwise: RequestListener, parts: RpcParts): RequestListener {
  const load = async (): Promise<RequestListener> => (await import('./rpcs.ts')).rpcListener(parts, otherwise);
  const rpcs = onDemand(load, parts.services.log);
  return (request, response) => (request.url?.startsWith(RPCS) ? rpcs : otherwise)(request, response);
}

/** Serves the routes. */
const loadApp = (parts: AppParts) => async (): Promise<RequestListener> =>
  (await import('./app.ts')).appListener(parts);

function listen(server: Server, address: string): Promise<number> {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return new Promise((resolve, reject) => {
    const refuse = ({ message }: Error): void =>
      reject(
        fail('LISTEN_FAILED', `cannot listen on ${address}: ${message}; choose another address (http_listen), or none`),
      );
    server.once('error', refuse);
    server.listen({ host, port: Number(port) }, () => {
      server.removeListener('error', refuse);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : Number(port));
    });
  });
}

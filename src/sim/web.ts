/** What the pretended web servers share: how they listen and end, and how a request is read. */
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import { fail } from '../core/errors.ts';

/** A key with its certificate, both in PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

/** TLS as a server speaks it; what is left out is as Node.js has it. */
export type ServerTls = TlsIdentity & Pick<https.ServerOptions, 'minVersion' | 'maxVersion' | 'ciphers'>;

/** A web server that listens. */
export interface WebServer {
  readonly port: number;
  /** How many connections were opened so far. */
  connections(): number;
  /** Ends it with all its connections. What it was about to say is not said any more. */
  close(): Promise<void>;
}

/**
 * Lets a web server listen: with TLS if it is given an identity. Port 0 is any that is free.
 * @param what how errors name it
 * @throws LISTEN_FAILED if it cannot
 */
export async function listenToWeb(
  listener: http.RequestListener,
  { address, port }: { readonly address: string; readonly port: number },
  tls: ServerTls | null,
  what: string,
): Promise<WebServer> {
  const server = tls === null ? http.createServer(listener) : https.createServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another process does' : `the system says ${error.code}`;
      reject(fail('LISTEN_FAILED', `${what} cannot listen on ${address}:${port}: ${why}`, error));
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
  server.on('error', () => {});
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The body of a request; null if it has more than `limitBytes`. What is too long is heard, but not kept. */
export async function bodyOf(request: http.IncomingMessage, limitBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= limitBytes) chunks.push(chunk);
  }
  return length <= limitBytes ? Buffer.concat(chunks).toString() : null;
}

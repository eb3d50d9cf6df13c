/** A server that answers with the very bytes that a test gives it, whatever HTTP says to them. */
import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';

/** A server for one test, stopped at its end. */
export interface RawHttp {
  readonly port: number;
  /** The first lines of the requests that came in, in order. */
  readonly requests: string[];
  /** All that came in. */
  heard(): string;
}

/** Answers a request by its first line. null says nothing; the connection is closed after an answer. */
export async function newRawHttp(t: ExecutionContext, answer: (firstLine: string) => string | null): Promise<RawHttp> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let heard = '';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (data) => {
      heard += data.toString();
      const [firstLine = ''] = data.toString().split('\r\n');
      requests.push(firstLine);
      const bytes = answer(firstLine);
      if (bytes !== null) socket.end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as { port: number };
  return { port, requests, heard: () => heard };
}

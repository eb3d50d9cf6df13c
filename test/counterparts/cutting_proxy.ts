/** A proxy that cuts connections: a request gets through, and its answer does not. */
import { connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';

/** A proxy for one test. */
export interface CuttingProxy {
  /** What URLs through it begin with. */
  readonly url: string;
  /** How many requests it has passed on. */
  passed(): number;
  /** Cuts the next connections once the door has begun to answer: the order was given, and its client does not hear of it. */
  cut(answers: number): void;
}

/**
 * Starts a proxy in front of the door at `target`.
 * @param cutting called when an answer is about to be cut; the connection is cut when it resolves
 */
export async function newCuttingProxy(
  t: ExecutionContext,
  target: string,
  cutting: () => Promise<void> = async () => {},
): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const seen = { passed: 0, toCut: 0 };
  const server = createServer((client) => {
    const door = connect(Number(port), hostname);
    for (const socket of [client, door]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.on('data', (bytes) => {
      if (/^(GET|PUT|POST|PATCH|DELETE) /.test(bytes.toString())) seen.passed += 1;
      door.write(bytes);
    });
    client.on('close', () => door.destroy());
    door.on('close', () => client.destroy());
    door.on('data', async (bytes) => {
      if (seen.toCut === 0) return client.write(bytes);
      seen.toCut -= 1;
      await cutting();
      client.resetAndDestroy();
      door.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const bound = server.address() as { port: number };
  return {
    url: `http://${ownAddress()}:${bound.port}`,
    passed: () => seen.passed,
    cut(answers) {
      seen.toCut = answers;
    },
  };
}

/** Many pretended BMCs in one process, each with a UDP port of its own on loopback. */
import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../../core/clock.ts';
import { digestOf } from '../../core/digest.ts';
import { fail } from '../../core/errors.ts';
import type { SimBmc } from './sim_bmc.ts';

/** A BMC that listens. */
interface ListeningBmc {
  readonly bmc: SimBmc;
  readonly address: string;
  readonly port: number;
}

/** BMCs that listen. */
export interface SimFleet {
  readonly bmcs: readonly ListeningBmc[];
  /** Ends all of them. What they were about to say is not said any more. */
  stop(): Promise<void>;
}

/** How many are started at a time. */
const AT_ONCE = 500;

/**
 * Lets BMCs listen, the first one on `firstPort`, the others on the ports after it; with `firstPort` 0 on any free ports.
 * @throws LISTEN_FAILED if one of the ports is in use; then none is left
 */
export async function listenAll(
  bmcs: readonly SimBmc[],
  { address, firstPort }: { readonly address: string; readonly firstPort: number },
  clock: Clock,
): Promise<SimFleet> {
  const listening: (ListeningBmc & { close(): Promise<void> })[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(listening.splice(0).map((each) => each.close()));
  };
  try {
    for (let at = 0; at < bmcs.length; at += AT_ONCE) {
      const part = bmcs.slice(at, at + AT_ONCE);
      const ports = part.map((_, index) => (firstPort === 0 ? 0 : firstPort + at + index));
      const started = await Promise.allSettled(
        part.map((bmc, index) => listenOne(bmc, address, ports[index] ?? 0, clock)),
      );
      for (const each of started) if (each.status === 'fulfilled') listening.push(each.value);
      const failed = started.find((each) => each.status === 'rejected');
      if (failed) throw failed.reason;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { bmcs: listening.slice(), stop };
}

/** Each has a GUID of its own, which is the same when the simulator is started again. */
function guidAt(address: string, port: number): Buffer {
  return Buffer.from(digestOf([address, port]).slice(0, 32), 'hex');
}

async function listenOne(bmc: SimBmc, address: string, port: number, clock: Clock) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  await bind(socket, address, port);
  bmc.guid = guidAt(address, socket.address().port);
  const timers = new Set<{ cancel(): void }>();
  socket.on('error', () => {});
  socket.on('message', (datagram, { port: peerPort, address: peer }) => {
    for (const { datagram: answer, afterMs } of bmc.receive(datagram)) {
      const send = (): void => socket.send(answer, peerPort, peer);
      if (afterMs === 0) send();
      else {
        const timer = clock.after(afterMs, () => {
          timers.delete(timer);
          send();
        });
        timers.add(timer);
      }
    }
  });
  return {
    bmc,
    address,
    port: socket.address().port,
    close(): Promise<void> {
      for (const timer of timers) timer.cancel();
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process does',
  EADDRNOTAVAIL: 'the address is none of this system',
  EMFILE: 'this process may have no more sockets; a higher limit (ulimit -n) or fewer BMCs help',
};

/** Not shared: of two on one port, one would silently hear nothing. */
function bind(socket: Socket, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      socket.close();
      const why = WHY[error.code ?? ''] ?? `the system says ${error.code}`;
      reject(fail('LISTEN_FAILED', `a simulated BMC cannot listen on ${address}:${port}: ${why}`, error));
    };
    socket.once('error', failed);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

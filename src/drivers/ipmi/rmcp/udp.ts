/** Datagrams by UDP: one connected socket for each BMC, so that the system tells of closed ports, and lets nobody else in. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import type { Hearer, Line, Transport } from './transport.ts';

/** The system's own UDP and name lookup. */
export const udp: Transport = {
  async resolve(host) {
    return isIP(host) === 0 ? (await lookup(host)).address : host;
  },
  open: openUdp,
};

function openUdp(address: string, port: number, hearer: Hearer): Line {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  /** What is to be sent before the socket is connected: the first question. Null when it is, or cannot be. */
  let waiting: Buffer[] | null = [];
  let closed = false;
  const broken = (error: Error | null | undefined): void => {
    if (error && !closed) hearer.broken(error);
  };
  const send = (datagram: Buffer): void => socket.send(datagram, broken);
  socket.on('error', broken);
  socket.on('message', (bytes) => {
    if (!closed) hearer.datagram(bytes);
  });
  socket.connect(port, address, (error?: Error) => {
    const first = waiting ?? [];
    waiting = null;
    if (!error) for (const datagram of first) send(datagram);
    broken(error);
    if (closed) socket.close();
  });
  return {
    send(datagram) {
      if (closed) return;
      if (waiting === null) send(datagram);
      else waiting.push(datagram);
    },
    close() {
      // One that is still being connected is closed when that is over.
      if (!closed && waiting === null) socket.close();
      closed = true;
    },
  };
}

/**
 * Addresses that no other process uses. Two simulators on one UDP port do not fail: one of them silently hears nothing. So
 * each process has a loopback address of its own, made from its process id, and each simulator a port there.
 */
import { createSocket } from 'node:dgram';
import { type CountermandError, fail } from '../core/errors.ts';

const FIRST_PORT = 6230;
let nextPort = FIRST_PORT;

/** The loopback address of this process, in 127.64.0.0/10: process ids have 22 bits. */
export function ownAddress(): string {
  const { pid } = process;
  return `127.${64 + ((pid >> 16) & 63)}.${(pid >> 8) & 255}.${pid & 255}`;
}

/**
 * A port of `address` that is free, and that this process has not given out.
 * @throws LISTEN_FAILED if the address is not one of this system
 */
export async function takePort(address: string): Promise<number> {
  for (;;) {
    const port = nextPort++;
    const code = await tryPort(address, port);
    if (code === null) return port;
    if (code !== 'EADDRINUSE') throw unusable(address, port, code);
  }
}

/** @throws LISTEN_FAILED if the port is in use, or we may not */
export async function mustBeFree(address: string, port: number): Promise<void> {
  const code = await tryPort(address, port);
  if (code !== null) throw unusable(address, port, code);
}

function unusable(address: string, port: number, code: string): CountermandError {
  const why = code === 'EADDRINUSE' ? 'another process does' : `the system says ${code}`;
  return fail('LISTEN_FAILED', `a simulated BMC cannot listen on ${address}:${port}: ${why}`);
}

/** null if the port is free. Without SO_REUSEADDR on our side, the system tells us of every other user of it. */
function tryPort(address: string, port: number): Promise<string | null> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}

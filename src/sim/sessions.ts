/**
 * Takes all sessions of a BMC, so that every login is refused: Open Session Requests (IPMI 2.0 section 13.17) that nothing
 * follows. BMCs keep such half-open sessions for a while, and need no password to begin one.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { openCancellation } from '../core/signals.ts';

/** More than any BMC has. */
const MOST_SESSIONS = 256;
/** Only ends what hangs. */
const LIMIT_MS = 60_000;
/** RMCP header, then an RMCP+ header: no authentication, payload type 10h, no session, 32 bytes. */
const HEADER = Buffer.from('0600ff07' + '0610' + '00000000' + '00000000' + '2000', 'hex');
/** Cipher suite 3: HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128. */
const SUITE = Buffer.from('0000000801000000' + '0100000801000000' + '0200000801000000', 'hex');
const ADMINISTRATOR = 4;
const STATUS_AT = HEADER.length + 1;
const NO_RESOURCES = 1;

/** Resolves when the BMC has refused one because no session was left. Rejects at an abort, with its reason. */
export async function takeAllSessions(address: string, port: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const cancellation = openCancellation([signal], {
    clock,
    afterMs: LIMIT_MS,
    what: `taking all sessions of ${address}:${port}`,
  });
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  try {
    for (let session = 1; session <= MOST_SESSIONS; session += 1) {
      const status = await openSession(socket, session, address, port, cancellation.signal);
      if (status === NO_RESOURCES) return;
    }
    throw fail('INTERNAL', `${address}:${port} gives out more than ${MOST_SESSIONS} sessions`);
  } catch (error) {
    cancellation.signal.throwIfAborted();
    throw error;
  } finally {
    socket.close();
    cancellation.end();
  }
}

async function openSession(
  socket: Socket,
  session: number,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const request = Buffer.from([session & 255, ADMINISTRATOR, 0, 0, session & 255, session >> 8, 0, 1]);
  const answer = once(socket, 'message', { signal });
  socket.send(Buffer.concat([HEADER, request, SUITE]), port, address);
  const [datagram] = (await answer) as [Buffer];
  return datagram[STATUS_AT];
}

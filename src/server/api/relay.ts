/**
 * Connections that a conductor which stands by passes on to the one that leads, byte by byte. TLS goes from end to end: the one that
 * leads sees the client's own certificate, and what passes here can be neither read nor changed.
 */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';

/**
 * What precedes the bytes of a connection that is passed on: it is not passed on again, as two conductors that each believe the other to
 * lead would never end. It says nothing else, so it is no harm if a client sends it. Neither TLS nor HTTP begins like this.
 */
const MARK = Buffer.from('countermand passes on\n');

/** A client speaks first. After this long without a byte it is given up. */
const FIRST_BYTES_MS = 10_000;
/** The timeout for a conductor to answer a connection. */
const CONNECT_MS = 2000;

/** Calls `taken` when the first bytes of a new connection are there, with whether it was passed on by another conductor. */
export function takeMark(socket: Socket, clock: Clock, taken: (isPassedOn: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = clock.after(FIRST_BYTES_MS, () => socket.destroy());
  const look = (bytes: Buffer): void => {
    seen = Buffer.concat([seen, bytes]);
    const isPassedOn = seen.subarray(0, MARK.length).equals(MARK);
    if (!isPassedOn && MARK.subarray(0, seen.length).equals(seen)) return;
    timer.cancel();
    socket.off('data', look).pause();
    const rest = isPassedOn ? seen.subarray(MARK.length) : seen;
    if (rest.length > 0) socket.unshift(rest);
    taken(isPassedOn);
  };
  socket.on('data', look);
  socket.once('close', () => timer.cancel());
  // Whoever takes it over listens himself; until then an error ends the connection, and not the process.
  socket.on('error', () => {});
}

/** A TLS record with a handshake in it begins so; a request can follow only after the answer to it. */
const TLS_HANDSHAKE = 0x16;

/** A connection that is being passed on. */
export interface Passing {
  /**
   * Takes the connection back while the other conductor has said nothing, so that no call can have reached it: true, and the socket has all
   * again that its client has sent. False if that is too late.
   */
  takeBack(): boolean;
}

/**
 * Passes a connection on to the conductor at `address`, until either side ends it. In plaintext, that conductor speaks first: what the client
 * says waits until then, so that nothing is lost or done twice when it never speaks.
 * @param failed that conductor does not answer: no call was passed on, and the socket has all again that its client has sent
 */
export function passOn(socket: Socket, address: string, clock: Clock, failed: () => void): Passing {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  const other = connect({ host, port: Number(port), noDelay: true });
  const kept: Buffer[] = [socket.read() as Buffer | null].filter((bytes) => bytes !== null);
  const isTls = kept[0]?.[0] === TLS_HANDSHAKE;
  let state: 'silent' | 'answered' | 'taken back' = 'silent';
  const timer = clock.after(CONNECT_MS, () => other.destroy());
  const handOver = (bytes: Buffer): void => {
    kept.push(bytes);
    other.write(bytes);
  };
  const takeBack = (): boolean => {
    if (state !== 'silent') return false;
    state = 'taken back';
    timer.cancel();
    socket.off('data', handOver).pause();
    const all = Buffer.concat(kept);
    if (all.length > 0) socket.unshift(all);
    other.destroy();
    return true;
  };
  other.once('connect', () => {
    timer.cancel();
    if (state !== 'silent') return;
    socket.setNoDelay(true);
    other.write(MARK);
    if (!isTls) return;
    for (const bytes of kept) other.write(bytes);
    socket.on('data', handOver);
  });
  other.once('data', (bytes: Buffer) => {
    if (state !== 'silent') return;
    state = 'answered';
    socket.off('data', handOver);
    if (!isTls) for (const each of kept) other.write(each);
    kept.length = 0;
    socket.write(bytes);
    socket.pipe(other);
    other.pipe(socket);
  });
  other.on('error', () => {});
  other.once('close', () => {
    timer.cancel();
    if (state === 'answered') socket.destroy();
    else if (takeBack() && !socket.destroyed) failed();
  });
  socket.once('close', () => other.destroy());
  return { takeBack };
}

/**
 * Our socket, as net-snmp wants to have made it. So an agent can be on any free port, a failure to bind is an error and not a
 * word to a callback, and a datagram that net-snmp falls over ends nothing.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import snmp from 'net-snmp';

/** Takes a datagram. */
type Listener = (datagram: Buffer, peer: RemoteInfo) => void;

/** The part of a datagram that says whether it is authenticated, and encrypted. */
const AUTHENTICATED = 0x01;

/** What net-snmp uses of a socket; `socket` itself stays ours, to be closed by us. */
export class LentSocket {
  readonly #socket: Socket;
  readonly #isSilent: () => boolean;
  #listener: Listener = () => {};
  /** What is being read just now. */
  #reading: { readonly datagram: Buffer; readonly peer: RemoteInfo } | null = null;

  constructor(socket: Socket, isSilent: () => boolean) {
    this.#socket = socket;
    this.#isSilent = isSilent;
  }

  /** It is bound. */
  bind(): void {}

  /** As dgram's. */
  address() {
    return this.#socket.address();
  }

  /** As dgram's, for `message`; errors are not told. */
  on(event: string, listener: Listener): void {
    if (event !== 'message') return;
    this.#listener = listener;
    this.#socket.on('message', (datagram, peer) => {
      if (!this.#isSilent()) this.#read(datagram, peer);
    });
  }

  /** As dgram's. */
  send(datagram: Buffer, offset: number, length: number, port: number, address: string): void {
    if (!this.#isSilent()) this.#socket.send(datagram, offset, length, port, address, () => {});
  }

  /**
   * Hears of an error from net-snmp while it reads. To a user with a wrong password it says nothing (3.29.2); an agent has to
   * say usmStatsWrongDigests (RFC 3414 section 3.2, 6). It does say that to a client that has not authenticated at all.
   */
  complain(error: unknown): void {
    const reading = this.#reading;
    const { EAuthFailure } = snmp.ResponseInvalidCode;
    if (reading === null || (error as { code?: unknown } | null)?.code !== EAuthFailure) return;
    const datagram = unauthenticated(reading.datagram);
    if (datagram !== null) this.#read(datagram, reading.peer);
  }

  #read(datagram: Buffer, peer: RemoteInfo): void {
    this.#reading = { datagram, peer };
    try {
      this.#listener(datagram, peer);
    } catch {
      // What cannot be read is not answered.
    } finally {
      this.#reading = null;
    }
  }
}

/** The same message without the mark that it is authenticated; null if that is not found (RFC 3412 section 6: msgFlags). */
function unauthenticated(datagram: Buffer): Buffer | null {
  const message = contentAt(datagram, 0);
  const version = contentAt(datagram, message.start);
  const header = contentAt(datagram, version.end);
  const id = contentAt(datagram, header.start);
  const maxSize = contentAt(datagram, id.end);
  const flags = contentAt(datagram, maxSize.end);
  if (flags.end !== flags.start + 1 || flags.end > datagram.length) return null;
  const copy = Buffer.from(datagram);
  copy.writeUInt8(copy.readUInt8(flags.start) & ~AUTHENTICATED, flags.start);
  return copy;
}

/** Where the content of the BER element at `at` begins and ends. No datagram needs more than two octets for a length. */
function contentAt(datagram: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = datagram[at + 1] ?? 0;
  const octets = first < 0x80 ? 0 : Math.min(first & 0x7f, 2);
  const start = at + 2 + octets;
  const length = octets === 0 ? first : datagram.subarray(at + 2, start).reduce((sum, octet) => sum * 256 + octet, 0);
  return { start, end: start + length };
}

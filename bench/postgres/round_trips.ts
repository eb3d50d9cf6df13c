/**
 * A proxy before PostgreSQL that counts round trips: one is over when the server has answered, each with a ReadyForQuery, all that it was asked.
 * Statements that are sent ahead, one behind the other, are one round trip together.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { ownAddress } from '../../src/sim/loopback.ts';

const READY = 'Z'.charCodeAt(0);
const IDLE = 'I'.charCodeAt(0);
/** What is answered with a ReadyForQuery: Query, and the Sync at the end of a prepared statement. */
const ASKS = ['Q', 'S'].map((type) => type.charCodeAt(0));
/** The type of a message, then the length of the rest, itself included. */
const HEAD_BYTES = 5;

/** A proxy that listens. */
export interface RoundTrips {
  readonly host: string;
  readonly port: number;
  /** The round trips of each transaction that has ended since this was last asked. */
  taken(): number[];
  /** Ends all connections. */
  stop(): void;
}

/** Starts a proxy on a free port of loopback, before the server at this address. It must not speak TLS. */
export async function countRoundTrips(server: { readonly host: string; readonly port: number }): Promise<RoundTrips> {
  let ended: number[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const behind = connect(server.port, server.host);
    const counter = new Counter((roundTrips) => ended.push(roundTrips));
    client.on('data', (data) => counter.asks(data));
    behind.on('data', (data) => counter.answers(data));
    client.pipe(behind).pipe(client);
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  proxy.listen(0, ownAddress());
  await once(proxy, 'listening');
  const { address: host, port } = proxy.address() as AddressInfo;
  return {
    host,
    port,
    taken() {
      const before = ended;
      ended = [];
      return before;
    },
    stop() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Messages of one direction of a connection, as their types and first bytes. */
class Messages {
  #rest: Buffer = Buffer.alloc(0);
  /** The first message of a client has no type. */
  #isTyped: boolean;

  constructor(isTyped: boolean) {
    this.#isTyped = isTyped;
  }

  /** The messages that are whole with the next bytes: the type of each, and the first byte of its body. */
  *read(data: Buffer): Generator<readonly [type: number | undefined, first: number | undefined]> {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const head = this.#isTyped ? HEAD_BYTES : HEAD_BYTES - 1;
      if (this.#rest.length < head) return;
      const length = head - 4 + this.#rest.readUInt32BE(head - 4);
      if (this.#rest.length < length) return;
      if (this.#isTyped) yield [this.#rest[0], this.#rest[head]];
      this.#isTyped = true;
      this.#rest = this.#rest.subarray(length);
    }
  }
}

/** Follows one connection. */
class Counter {
  readonly #ended: (roundTrips: number) => void;
  readonly #fromClient = new Messages(false);
  readonly #fromServer = new Messages(true);
  /** The login is answered with a ReadyForQuery as well. */
  #waiting = 1;
  #count = 0;

  /** @param ended is told how many round trips a transaction took, its begin and commit included */
  constructor(ended: (roundTrips: number) => void) {
    this.#ended = ended;
  }

  /** The next bytes of the client. */
  asks(data: Buffer): void {
    for (const [type] of this.#fromClient.read(data)) if (ASKS.some((each) => each === type)) this.#waiting += 1;
  }

  /** The next bytes of the server. */
  answers(data: Buffer): void {
    for (const [type, status] of this.#fromServer.read(data)) if (type === READY) this.#ready(status !== IDLE);
  }

  #ready(isOpen: boolean): void {
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    if (isOpen || this.#count > 0) this.#count += 1;
    if (isOpen || this.#count === 0) return;
    this.#ended(this.#count);
    this.#count = 0;
  }
}

/** A proxy before PostgreSQL that counts round trips: each ends with a ReadyForQuery, which says whether a transaction is open. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { ownAddress } from '../../src/sim/loopback.ts';

const READY = 'Z'.charCodeAt(0);
const IN_TRANSACTION = 'T'.charCodeAt(0);
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
    behind.on('data', (data) => counter.read(data));
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

/** Reads what a server says on one connection. */
class Counter {
  readonly #ended: (roundTrips: number) => void;
  #rest = Buffer.alloc(0);
  #count = 0;

  /** @param ended is told how many round trips a transaction took, its begin and commit included */
  constructor(ended: (roundTrips: number) => void) {
    this.#ended = ended;
  }

  /** The next bytes. */
  read(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      if (this.#rest.length < HEAD_BYTES) return;
      const length = 1 + this.#rest.readUInt32BE(1);
      if (this.#rest.length < length) return;
      if (this.#rest[0] === READY) this.#ready(this.#rest[HEAD_BYTES] === IN_TRANSACTION);
      this.#rest = this.#rest.subarray(length);
    }
  }

  #ready(open: boolean): void {
    if (open || this.#count > 0) this.#count += 1;
    if (open || this.#count === 0) return;
    this.#ended(this.#count);
    this.#count = 0;
  }
}

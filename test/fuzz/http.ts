/**
 * Mutated bytes at the ports of a conductor: HTTP/1.1, HTTP/2, gRPC and TLS that were right once, then cut, flipped, repeated and mixed,
 * from a seed. A healthy client asks beside them.
 */
import { connect, type Socket } from 'node:net';
import { seededChance } from '../world/chance.ts';

/** A port. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** How many connections are open at once; the oldest is cut for the next. */
const OPEN_AT_ONCE = 48;
/** The healthy client asks after this number of inputs. */
const ASKS_EACH = 500;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal header without an index and without Huffman coding. */
function field(name: string, value: string): Buffer {
  const part = (text: string): Buffer => Buffer.concat([Buffer.from([Math.min(text.length, 126)]), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0]), part(name), part(value)]);
}

const CALL = Buffer.concat([
  field(':method', 'POST'),
  field(':scheme', 'http'),
  field(':path', '/countermand.v1.ConductorService/GetVersion'),
  field(':authority', 'localhost'),
  field('content-type', 'application/grpc'),
  field('te', 'trailers'),
]);

const MESSAGE = Buffer.from([0, 0, 0, 0, 0]);

const streams = (count: number, end: (stream: number) => readonly Buffer[]): Buffer[] =>
  Array.from({ length: count }, (_, at) => 2 * at + 1).flatMap((stream) => [frame(1, 4, stream, CALL), ...end(stream)]);

const http2 = (...frames: readonly Buffer[]): Buffer =>
  Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(0)), ...frames]);

const http1 = (head: string, body = ''): Buffer => Buffer.from(`${head}\r\nHost: localhost\r\n${body}`);

/** What is right, as far as it goes. */
const SEEDS: readonly Buffer[] = [
  http2(...streams(1, (stream) => [frame(0, 1, stream, MESSAGE)])),
  // Many streams that are opened and reset.
  http2(...streams(40, (stream) => [frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))])),
  http2(
    ...streams(3, () => []),
    frame(9, 4, 1, CALL),
    frame(6, 0, 0, Buffer.alloc(8)),
    frame(8, 0, 0, Buffer.from([0, 0, 1, 0])),
  ),
  http2(frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255, 0, 5, 0, 255, 255, 255])), frame(7, 0, 0, Buffer.alloc(8))),
  // Headers that never end.
  http2(frame(1, 0, 1, CALL), ...Array.from({ length: 30 }, () => frame(9, 0, 1, field('x', 'y'.repeat(120))))),
  http1('GET /v1/nodes HTTP/1.1', '\r\n'),
  http1(
    'GET /v1/nodes?limit=3&fields=name HTTP/1.1',
    'X-Auth-Token: countermand_x\r\nX-OpenStack-Ironic-API-Version: 1.82\r\n\r\n',
  ),
  http1(
    'POST /countermand.v1.NodeService/ListNodes HTTP/1.1',
    'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  ),
  http1(
    'PUT /v1/nodes/n1/states/power HTTP/1.1',
    'Content-Type: application/json\r\nContent-Length: 21\r\n\r\n{"target":"power off"',
  ),
  http1(
    'POST /v1/audits HTTP/1.1',
    'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
  ),
  http1(
    'GET / HTTP/1.1',
    `${Array.from({ length: 90 }, (_, at) => `X-Flood-${at}: ${'z'.repeat(60)}`).join('\r\n')}\r\n\r\n`,
  ),
  http1(
    'GET /healthz HTTP/1.1',
    'Expect: 100-continue\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\nGET /v1/nodes HTTP/1.1\r\n\r\n',
  ),
  // The beginning of a handshake of TLS 1.2 and later.
  Buffer.from(
    `16030100c8010000c40303${'5a'.repeat(32)}20${'a5'.repeat(32)}001a${'130113021303c02bc02fc02cc030cca9cca8c013c014009c009d'}01000061000000`,
    'hex',
  ),
];

type Chance = ReturnType<typeof seededChance>;

const below = (chance: Chance, limit: number): number => chance.bytes(4).readUInt32BE(0) % limit;

/** What can be done to bytes. */
const MUTATIONS: readonly ((bytes: Buffer, chance: Chance) => Buffer)[] = [
  (bytes, chance) => bytes.subarray(0, below(chance, bytes.length + 1)),
  (bytes, chance) => {
    const flipped = Buffer.from(bytes);
    for (let times = 1 + below(chance, 8); times > 0 && flipped.length > 0; times -= 1)
      flipped[below(chance, flipped.length)] = below(chance, 256);
    return flipped;
  },
  (bytes, chance) => {
    const at = below(chance, bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), chance.bytes(1 + below(chance, 64)), bytes.subarray(at)]);
  },
  (bytes, chance) => {
    const at = below(chance, bytes.length + 1);
    const part = bytes.subarray(at, at + 1 + below(chance, 200));
    return Buffer.concat([
      bytes.subarray(0, at),
      ...Array.from({ length: 2 + below(chance, 20) }, () => part),
      bytes.subarray(at),
    ]);
  },
  (bytes, chance) => {
    const other = SEEDS[below(chance, SEEDS.length)] as Buffer;
    return Buffer.concat([
      bytes.subarray(0, below(chance, bytes.length + 1)),
      other.subarray(below(chance, other.length)),
    ]);
  },
];

/** One input. */
function inputOf(chance: Chance): Buffer {
  let bytes = SEEDS[below(chance, SEEDS.length)] as Buffer;
  for (let times = below(chance, 4); times > 0; times -= 1)
    bytes = (MUTATIONS[below(chance, MUTATIONS.length)] as (typeof MUTATIONS)[number])(bytes, chance);
  return bytes.subarray(0, 64 * 1024);
}

/**
 * Sends this number of inputs, each on a connection of its own, to the targets in turn. Some send all at once, some a half and then
 * nothing, and some are cut.
 * @param healthy asks as a client does; what it throws ends all
 */
export async function fuzzHttp(
  targets: readonly Target[],
  count: number,
  seed: number,
  healthy: () => Promise<void>,
): Promise<void> {
  const chance = seededChance(seed);
  const open: Socket[] = [];
  try {
    for (let sent = 0; sent < count; sent += 1) {
      const target = targets[sent % targets.length] as Target;
      open.push(await send(target, inputOf(chance), below(chance, 4)));
      if (open.length > OPEN_AT_ONCE) open.shift()?.destroy();
      if (sent % ASKS_EACH === ASKS_EACH - 1) await healthy();
    }
    await healthy();
  } finally {
    for (const socket of open) socket.destroy();
  }
}

/** Resolves when the bytes were written, or the conductor has ended the connection. @param how 0: a half, 1: and no more, else all */
function send({ host, port }: Target, bytes: Buffer, how: number): Promise<Socket> {
  const socket = connect(port, host);
  // What is answered is read, so that it piles up nowhere.
  socket.on('error', () => {}).resume();
  const part = how === 0 ? bytes.subarray(0, bytes.length >> 1) : bytes;
  return new Promise((resolve) => {
    socket.once('close', () => resolve(socket));
    socket.once('connect', () => {
      // A conductor that reads no further is not waited for.
      socket.write(part);
      if (how === 1) socket.end();
      resolve(socket);
    });
  });
}

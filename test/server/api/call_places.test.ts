/** Calls of clients that have not said who they are: they open many, send half a message, and read nothing. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createServer } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { OPEN_LIMITS } from '../../../src/core/limits.ts';
import { CallPlaces } from '../../../src/server/api/call_places.ts';
import { ownAddress } from '../../../src/sim/loopback.ts';
import { eventually } from '../../counterparts/eventually.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const READ_TIMEOUT_MS = 300_000;
const MESSAGE = Buffer.alloc(5);
const few = (key: keyof typeof OPEN_LIMITS, limit: number) => ({ ...OPEN_LIMITS[key], limit });

/** A server of health alone, with small limits, and its clients. */
async function openServer(t: ExecutionContext, limits: Partial<Record<keyof typeof OPEN_LIMITS, number>>) {
  const clock = new VirtualClock();
  const rows = Object.entries(limits).map(([key, limit]) => [key, few(key as keyof typeof OPEN_LIMITS, limit)]);
  const places = new CallPlaces(clock, READ_TIMEOUT_MS, { ...OPEN_LIMITS, ...Object.fromEntries(rows) });
  const server = createServer({ interceptors: [places.watch] });
  server.add(HealthDefinition, HealthServiceImpl(HealthState()));
  const address = ownAddress();
  const port = await server.listen(`${address}:0`);
  t.teardown(() => {
    places.stop();
    server.forceShutdown();
  });
  const dial = (localAddress: string, settings = {}): ClientHttp2Session => {
    const session = connect(`http://${address}:${port}`, {
      settings,
      createConnection: () => connectSocket({ host: address, port, localAddress }),
    });
    session.on('error', () => {});
    t.teardown(() => session.destroy());
    return session;
  };
  return { clock, dial };
}

/** A call that is open: what became of it. */
interface Open {
  readonly stream: ClientHttp2Stream;
  /** The status that it has ended with; undefined while it has not. */
  status?: string;
  /** Its client was told that it serves. */
  isAnswered: boolean;
  isClosed: boolean;
}

/** Begins a call, and sends these bytes of its message. */
function begin(session: ClientHttp2Session, rpc: string, bytes: Buffer | null, isWhole = true): Open {
  const path = `/grpc.health.v1.Health/${rpc}`;
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const call: Open = { stream, isAnswered: false, isClosed: false };
  const note = (headers: Record<string, unknown>): void => {
    if (headers['grpc-status'] !== undefined) call.status = String(headers['grpc-status']);
  };
  stream
    .on('response', note)
    .on('trailers', note)
    .on('error', () => {});
  stream.on('data', () => {
    call.isAnswered = true;
  });
  stream.once('close', () => {
    call.isClosed = true;
  });
  if (bytes !== null) stream.write(bytes);
  if (isWhole) stream.end();
  return call;
}

const EXHAUSTED = '8';
const DEADLINE_EXCEEDED = '4';
const [ONE, OTHER] = ['127.0.0.1', '127.0.0.2'];

test('one call more than the limit is refused, and others are when those have ended', async (t) => {
  const { dial } = await openServer(t, { grpc_calls: 5, grpc_calls_of_address: 3 });
  const [one, other] = [dial(ONE), dial(OTHER)];
  const open = [1, 2, 3].map(() => begin(one, 'Watch', MESSAGE));
  await eventually('the calls', () => open.every(({ isAnswered }) => isAnswered));
  // Its client leaves its own side open, and yet it ends.
  const spare = begin(one, 'Watch', MESSAGE, false);
  await eventually('the calls', () => spare.isClosed);
  t.is(spare.status, EXHAUSTED);
  const others = [1, 2].map(() => begin(other, 'Watch', MESSAGE));
  await eventually('the calls', () => others.every(({ isAnswered }) => isAnswered));
  const sixth = begin(other, 'Check', MESSAGE);
  await eventually('the calls', () => sixth.isClosed);
  t.is(sixth.status, EXHAUSTED);
  for (const { stream } of others) stream.close();
  await eventually('a place', async () => {
    const again = begin(other, 'Check', MESSAGE);
    await eventually('the calls', () => again.isClosed);
    return again.isAnswered && again.status === '0';
  });
});

test('bytes of messages that have come in part are limited', async (t) => {
  const { dial } = await openServer(t, { grpc_bytes: 150_000, grpc_bytes_of_address: 100_000 });
  const part = Buffer.alloc(60_000);
  part.writeUInt32BE(1_000_000, 1);
  const one = dial(ONE);
  const first = begin(one, 'Check', part, false);
  const second = begin(one, 'Check', part, false);
  await eventually('the calls', () => first.isClosed || second.isClosed);
  t.is(first.status ?? second.status, EXHAUSTED);
  t.false(first.isClosed && second.isClosed);
  // What was refused waits no more.
  const whole = begin(one, 'Check', MESSAGE);
  await eventually('the calls', () => whole.isClosed);
  t.is(whole.status, '0');
  const others = [1, 2].map(() => begin(dial(OTHER), 'Check', part, false));
  await eventually('the calls', () => others.some(({ isClosed }) => isClosed));
  t.is(others.find(({ isClosed }) => isClosed)?.status, EXHAUSTED);
});

test('a message that does not come ends its call', async (t) => {
  const { dial, clock } = await openServer(t, {});
  const session = dial(ONE);
  const parts = [null, Buffer.from([0, 0, 0]), MESSAGE];
  const calls = parts.map((bytes) => begin(session, 'Watch', bytes, false));
  const whole = begin(session, 'Watch', MESSAGE);
  await eventually('the calls', () => whole.isAnswered);
  await clock.turn(OPEN_LIMITS.grpc_message_ms.limit * 0.9);
  t.false(calls.some(({ isClosed }) => isClosed));
  await clock.turn(OPEN_LIMITS.grpc_message_ms.limit * 0.3);
  await eventually('the calls', () => calls.every(({ isClosed }) => isClosed));
  for (const { status } of calls) t.is(status, DEADLINE_EXCEEDED);
  t.false(whole.isClosed);
});

test('a message that comes in parts has its time for each of them', async (t) => {
  const { dial, clock } = await openServer(t, {});
  const call = begin(dial(ONE), 'Check', null, false);
  const beside = begin(dial(ONE), 'Check', null, false);
  for (const byte of MESSAGE) {
    await clock.turn(OPEN_LIMITS.grpc_message_ms.limit * 0.4);
    call.stream.write(Buffer.from([byte]));
    // What is written to this server afterwards, and answered, has come afterwards.
    const { stream } = call;
    await new Promise<unknown>((resolve) => stream.session?.ping(resolve));
  }
  t.true(beside.isClosed);
  t.false(call.isClosed);
  call.stream.end();
  await eventually('the call', () => call.isClosed);
  t.is(call.status, '0');
});

test('an answer that is not read ends its call, and leaves its place', async (t) => {
  const { dial, clock } = await openServer(t, { grpc_calls_of_address: 2 });
  const session = dial(ONE, { initialWindowSize: 0 });
  const calls = [1, 2].map(() => begin(session, 'Check', MESSAGE));
  const spare = begin(session, 'Check', MESSAGE);
  await eventually('the calls', () => spare.isClosed);
  t.is(spare.status, EXHAUSTED);
  await clock.turn(READ_TIMEOUT_MS * 1.1);
  await eventually('the calls', () => calls.every(({ isClosed }) => isClosed));
  t.false(calls.some(({ isAnswered }) => isAnswered));
  const again = begin(dial(ONE), 'Check', MESSAGE);
  await eventually('the calls', () => again.isClosed);
  t.is(again.status, '0');
});

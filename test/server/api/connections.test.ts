/** The gRPC port itself, with real sockets: connections that are too many, and how streams end with the conductor. */
import { once } from 'node:events';
import { connect as connectHttp2, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Clock } from '../../../src/core/clock.ts';
import { fail } from '../../../src/core/errors.ts';
import { AttachRequest } from '../../../src/gen/countermand/v1/agent.ts';
import type { SubscribeResponse } from '../../../src/gen/countermand/v1/notification.ts';
import { PowerTarget } from '../../../src/gen/countermand/v1/power.ts';
import { answerPingsWhileClosing } from '../../../src/server/api/connections.ts';
import { Front } from '../../../src/server/api/front.ts';
import { listen } from '../../../src/server/api/grpc.ts';
import { createServices } from '../../../src/server/api/services.ts';
import { announce } from '../../../src/server/events/announce.ts';
import type { Transaction } from '../../../src/server/store/database.ts';
import { ownAddress } from '../../../src/sim/loopback.ts';
import { eventually } from '../../counterparts/eventually.ts';
import { type Client, connect } from '../../e2e/client.ts';
import { Watch } from '../../e2e/watching.ts';
import { World } from '../../world/world.ts';

/** How often it is looked at the end whether calls still end. */
const LOOK_MS = 2500;

/** A clock whose first timers of such looks are over at once: that of a computer on which nothing else has got its turn meanwhile. */
const late =
  (timers: number) =>
  (clock: Clock): Clock => {
    let left = timers;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(delayMs, action) {
        if (delayMs > LOOK_MS) return clock.after(delayMs, action);
        left -= 1;
        if (left < 0) return clock.after(delayMs, action);
        queueMicrotask(action);
        return { cancel: () => {} };
      },
    };
  };

/** A conductor that listens, whose clock is turned by hand. */
async function openPort(t: ExecutionContext, openFilesLimit: number, clockOf = (clock: Clock): Clock => clock) {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { conductor } = world;
  const place = {
    address: `${ownAddress()}:0`,
    openFilesLimit,
    tls: null,
    amongOthers: false,
    drainTimeoutMs: 30_000,
    streamReadTimeoutMs: 300_000,
  };
  const { store } = conductor.orders;
  const orders = { ...conductor.orders, store: { ...store, clock: clockOf(store.clock) } };
  const { clock } = orders.store;
  const front = new Front(
    { clock, log: conductor.log, chance: world.chance },
    { error: fail('SHUTTING_DOWN', 'never'), grpc: null, http: null },
  );
  const services = createServices(conductor);
  /** Lets the calls of GetVersion be answered, which are not before. */
  const held: (() => void)[] = [];
  const getVersion = async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return { version: 'held' };
  };
  const itself = { ...services.itself, getVersion };
  front.lead({ conductor, services: { ...services, itself }, objection: () => null });
  const listener = await listen(front, place);
  const dial = (): Client => {
    const client = connect(`${ownAddress()}:${listener.port}`);
    t.teardown(() => client.close());
    return client;
  };
  let closed: Promise<void> | null = null;
  /** A connection on which nothing is called. The conductor speaks first, when it has taken it. */
  const dialSilently = (): Socket => {
    const socket = connectSocket(listener.port, ownAddress()).on('error', () => {});
    t.teardown(() => socket.destroy());
    return socket;
  };
  /** Ends the conductor as SIGTERM does. Resolves with how to wait for the port. */
  const stop = async (): Promise<{ readonly closed: Promise<void> }> => {
    await conductor.stop();
    closed ??= listener.close();
    return { closed };
  };
  t.teardown(async () => {
    const { closed } = await stop();
    await world.clock.turn(60_000);
    await closed;
  });
  return { world, front, dial, dialSilently, stop, held };
}

/** An agent that says who it is, and then nothing more. */
function attach({ agents }: Client): Watch<unknown> {
  const drivers = [{ name: 'fake', driverInfoSchema: '{}', targets: [PowerTarget.ON], recalls: [] }];
  const hello = { agentUuid: crypto.randomUUID(), name: 'silent', zones: ['far'], drivers };
  async function* messages() {
    yield AttachRequest.fromPartial({ message: { $case: 'hello', value: hello } } as never);
    await new Promise(() => {});
  }
  return new Watch(agents.attach(messages()));
}

const EVENTS = 40;
const EVENT = { eventType: 'baremetal.node.update.success', priority: 'INFO' as const };

async function readAll(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

const ask = ({ nodes }: Client): Promise<unknown> => nodes.listNodes({});

test('a connection too many serves agents only, and is closed if none attaches', async (t) => {
  // Four connections of clients, two of them from one address.
  const { world, dial, dialSilently } = await openPort(t, 16);
  const [first, second, third, fourth] = [dial(), dial(), dial(), dial()];
  await ask(first);
  await ask(second);
  await t.throwsAsync(ask(third), {
    code: 'TOO_MANY_STREAMS',
    message: /as many connections as it allows/,
  } as object);
  const agent = attach(fourth);
  await agent.until('the welcome', () => true);
  t.deepEqual(world.faults, []);
  await ask(fourth);
  const silent = dialSilently();
  await once(silent, 'data');
  await world.clock.turn(10_000);
  for (let asked = 0; asked < 20; asked += 1) await ask(fourth);
  t.true(silent.closed);
});

/** Streams on which nothing happens until the conductor stops; answers how each has ended. */
async function endsOf({ dial, stop }: Awaited<ReturnType<typeof openPort>>): Promise<unknown[]> {
  const client = dial();
  const streams = Array.from({ length: 200 }, () => new Watch(client.notifications.subscribe({})));
  await ask(client);
  const { closed } = await stop();
  await closed;
  return Promise.all(streams.map(({ ended }) => ended));
}

test('a look at the end that comes too late cuts no stream off', async (t) => {
  const ends = await endsOf(await openPort(t, 1024, late(1)));
  for (const end of ends) t.like(end, { status: 'UNAVAILABLE', code: 'SHUTTING_DOWN' });
});

test('a stream that is cut off is told that the conductor is not available, not of a fault', async (t) => {
  const ends = await endsOf(await openPort(t, 1024, late(100)));
  for (const end of ends) t.like(end, { status: 'UNAVAILABLE' });
});

test('a session that is being closed is pinged no more, and is not taken for dead', async (t) => {
  const server = createServer();
  t.teardown(() => server.close());
  server.listen(0, ownAddress());
  await once(server, 'listening');
  const taken = once(server, 'session') as Promise<[ServerHttp2Session]>;
  const opened = once(server, 'stream') as Promise<[ServerHttp2Stream]>;
  const client = connectHttp2(`http://${ownAddress()}:${(server.address() as AddressInfo).port}`);
  const call = client.request();
  const [session] = await taken;
  const [stream] = await opened;
  const ping = () => new Promise<Error | null>((resolve) => t.true(session.ping(resolve)));
  answerPingsWhileClosing(session);
  t.is(await ping(), null, 'by the client');
  session.close();
  t.is(await ping(), null, 'in its place');
  stream.respond({ ':status': 200 }, { endStream: true });
  await once(call.resume(), 'close');
  t.is(call.rstCode, 0);
  client.close();
});

/** A subscription that reads one event, and then leaves unread more than the windows of HTTP/2 hold. */
async function subscribeUnread({ notifications }: Client, world: World): Promise<AsyncIterator<SubscribeResponse>> {
  const write = (transaction: Transaction): Promise<void> => {
    const events = Array.from({ length: EVENTS }, () => ({ ...EVENT, payload: { text: 'x'.repeat(100_000) } }));
    return announce(events, transaction, world.conductor.orders.store);
  };
  await world.finish(world.database.write(write));
  const unread = notifications.subscribe({ fromSequence: 1n })[Symbol.asyncIterator]();
  await unread.next();
  return unread;
}

test('a stream that is never read does not keep the port open, and is told that the conductor is not available', async (t) => {
  const { world, dial, stop } = await openPort(t, 1024);
  const client = dial();
  const unread = await subscribeUnread(client, world);
  const { closed } = await stop();
  await world.clock.turn(5000);
  await closed;
  const cut = await t.throwsAsync(readAll(unread));
  t.like(cut, { status: 'UNAVAILABLE' });
});

test('a call that is not answered may end within the drain timeout, and is cut off after it', async (t) => {
  const { world, dial, stop, held } = await openPort(t, 1024);
  const { itself } = dial();
  const [answered, lost] = [itself.getVersion({}), itself.getVersion({})];
  lost.catch(() => {});
  await eventually('both calls to have begun', () => held.length === 2);
  const { closed } = await stop();
  await world.clock.turn(25_000);
  held[0]?.();
  t.deepEqual(await answered, { version: 'held' });
  await world.clock.turn(5000);
  await closed;
  t.like(await t.throwsAsync(lost), { status: 'UNAVAILABLE', code: 'SHUTTING_DOWN' });
  held[1]?.();
});

/** Turns the clock until as many streams were ended because they were not read. */
async function untilNotRead(count: number, { world, front }: Awaited<ReturnType<typeof openPort>>): Promise<void> {
  const line = `countermand_streams_not_read_total{rpc="countermand.v1.NotificationService/Subscribe"} ${count}`;
  await eventually('a stream to be ended that is not read', async () => {
    await world.clock.turn(60_000);
    return (await front.services.registry.text()).includes(line);
  });
}

test('a subscriber that never reads is cut off with a reason, and another beside it is told everything', async (t) => {
  const port = await openPort(t, 1024);
  const { world, dial } = port;
  const unread = await subscribeUnread(dial(), world);
  // On a connection of its own: those of one connection share its window, which their client does not empty.
  const reader = new Watch(dial().notifications.subscribe({ fromSequence: 1n }));
  await reader.until('the last event', ({ event }) => event?.sequence === BigInt(EVENTS));
  await untilNotRead(1, port);
  // What it had been sent comes first, and then the reason.
  const cut = await t.throwsAsync(readAll(unread));
  t.like(cut, { status: 'RESOURCE_EXHAUSTED', code: 'STREAM_NOT_READ' });
  t.regex(cut?.message ?? '', /^messages have waited for 300 s.*open it again/);
  t.is(reader.seen.length, EVENTS);
  const announceOne = (transaction: Transaction): Promise<void> =>
    announce([{ ...EVENT, payload: {} }], transaction, world.conductor.orders.store);
  await world.finish(world.conductor.orders.store.database.write(announceOne));
  await reader.until('one more event', ({ event }) => event?.sequence === BigInt(EVENTS + 1));
  t.deepEqual(world.faults, []);
});

test('what waits for a client that does not read the reason either is dropped', async (t) => {
  const port = await openPort(t, 1024);
  const { world, dial } = port;
  const unread = await subscribeUnread(dial(), world);
  await untilNotRead(1, port);
  await world.clock.turn(600_000);
  await ask(dial());
  const cut = await t.throwsAsync(readAll(unread));
  t.like(cut, { status: 'RESOURCE_EXHAUSTED', code: '' });
});

/** The gRPC port itself, with real sockets: connections that are too many, and how streams end with the conductor. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Clock } from '../../../src/core/clock.ts';
import { fail } from '../../../src/core/errors.ts';
import { AttachRequest } from '../../../src/gen/countermand/v1/agent.ts';
import { PowerTarget } from '../../../src/gen/countermand/v1/power.ts';
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

/** A clock whose first timers are over at once: that of a computer on which nothing else has got its turn meanwhile. */
const late =
  (timers: number) =>
  (clock: Clock): Clock => {
    let left = timers;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(delayMs, action) {
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
  const place = { address: `${ownAddress()}:0`, openFilesLimit, tls: null, amongOthers: false, drainTimeoutMs: 30_000 };
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
  return { world, dial, dialSilently, stop, held };
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

test('a stream that is never read does not keep the port open, and is told that the conductor is not available', async (t) => {
  const { world, dial, stop } = await openPort(t, 1024);
  const client = dial();
  // More than the windows of HTTP/2 hold.
  const write = (transaction: Transaction): Promise<void> => {
    const events = Array.from({ length: 40 }, () => ({ ...EVENT, payload: { text: 'x'.repeat(100_000) } }));
    return announce(events, transaction, world.conductor.orders.store);
  };
  await world.finish(world.database.write(write));
  const unread = client.notifications.subscribe({ fromSequence: 1n })[Symbol.asyncIterator]();
  await unread.next();
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

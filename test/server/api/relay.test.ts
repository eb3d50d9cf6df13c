/** What a conductor that stands by does with connections: they are passed on to the one that leads, once. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createClient } from 'nice-grpc';
import { openChannelTo } from '../../../src/agent/secure_channel.ts';
import { type CountermandError, fail } from '../../../src/core/errors.ts';
import type { TlsSource } from '../../../src/core/tls.ts';
import { NodeServiceDefinition } from '../../../src/gen/countermand/v1/node.ts';
import { anonymous, type Identify } from '../../../src/server/access/identity.ts';
import { Front } from '../../../src/server/api/front.ts';
import { listen } from '../../../src/server/api/grpc.ts';
import { createServices } from '../../../src/server/api/services.ts';
import { ownAddress } from '../../../src/sim/loopback.ts';
import { newAuthority } from '../../counterparts/certificates.ts';
import { type Client, connect } from '../../e2e/client.ts';
import { Watch } from '../../e2e/watching.ts';
import { World } from '../../world/world.ts';

const standing = (name: string, grpc: string | null) => ({
  error: fail('NOT_LEADING', `${name} stands by`),
  grpc,
  http: null,
});

/** A port with its front, which stands by. */
async function openPort(t: ExecutionContext, world: World, name: string, tls: TlsSource | null = null) {
  const { log } = world.conductor;
  const front = new Front({ clock: world.clock, log, chance: world.chance }, standing(name, null));
  const place = {
    address: `${ownAddress()}:0`,
    openFilesLimit: 1000,
    tls,
    amongOthers: true,
    drainTimeoutMs: 30_000,
    streamReadTimeoutMs: 300_000,
  };
  const listener = await listen(front, place);
  t.teardown(async () => {
    const closed = listener.close();
    await world.clock.turn(60_000);
    await closed;
  });
  return { front, address: `${ownAddress()}:${listener.port}` };
}

function dial(t: ExecutionContext, address: string): Client {
  const client = connect(address);
  t.teardown(() => client.close());
  return client;
}

const led = ({ conductor }: World) => ({
  conductor,
  services: createServices(conductor),
  objection: () => null,
});

const asks = ({ nodes }: Client): Promise<unknown> => nodes.listNodes({});

test('calls and streams are passed on, and end when another one leads', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const [first, second] = [await openPort(t, world, 'first'), await openPort(t, world, 'second')];
  const client = dial(t, second.address);
  await t.throwsAsync(asks(client), { code: 'NOT_LEADING', message: 'second stands by' } as object);
  first.front.lead(led(world));
  second.front.standBy(standing('second', first.address));
  const watch = new Watch(client.notifications.subscribe({ fromSequence: 1 }));
  t.deepEqual(await asks(client), { nodes: [], nextPageToken: '' });
  second.front.standBy(standing('second', null));
  const { status } = (await t.throwsAsync(watch.until('the end', () => false))) as Error & { status?: string };
  t.is(status ?? 'UNAVAILABLE', 'UNAVAILABLE');
  await t.throwsAsync(asks(client), { code: 'NOT_LEADING' } as object);
  second.front.lead(led(world));
  t.deepEqual(await asks(client), { nodes: [], nextPageToken: '' });
});

test('a leader that was stopped and goes on serves no call, before any timer tells it so', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { front, address } = await openPort(t, world, 'first');
  let objection: CountermandError | null = null;
  front.lead({ ...led(world), objection: () => objection });
  const client = dial(t, address);
  t.deepEqual(await asks(client), { nodes: [], nextPageToken: '' });
  objection = fail('LEADERSHIP_LOST', 'another one leads');
  await t.throwsAsync(asks(client), { code: 'LEADERSHIP_LOST' } as object);
});

test('what was passed on once is not passed on again, and a leader that is not there is told', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const [first, second] = [await openPort(t, world, 'first'), await openPort(t, world, 'second')];
  first.front.standBy(standing('first', second.address));
  second.front.standBy(standing('second', first.address));
  await t.throwsAsync(asks(dial(t, first.address)), { code: 'NOT_LEADING', message: 'second stands by' } as object);
  first.front.standBy(standing('first', `${ownAddress()}:9`));
  await t.throwsAsync(asks(dial(t, first.address)), { code: 'NOT_LEADING', message: 'first stands by' } as object);
});

/** Where a leader listened that is frozen: it takes connections, and says nothing. Resolves with what it has heard. */
async function openSilence(t: ExecutionContext) {
  const heard: Buffer[] = [];
  const spoken = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes);
      spoken.resolve();
    });
  }).listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `${ownAddress()}:${port}`, heard: () => Buffer.concat(heard), spoken: spoken.promise };
}

test('a call that waits for a frozen leader is served by the next one, here or elsewhere, and its client notices nothing', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const [first, second] = [await openPort(t, world, 'first'), await openPort(t, world, 'second')];
  const frozen = await openSilence(t);
  for (const port of [first, second]) port.front.standBy(standing('it', frozen.address));
  const [here, elsewhere] = [asks(dial(t, first.address)), asks(dial(t, second.address))];
  await frozen.spoken;
  first.front.lead(led(world));
  t.deepEqual(await here, { nodes: [], nextPageToken: '' });
  second.front.standBy(standing('second', first.address));
  t.deepEqual(await elsewhere, { nodes: [], nextPageToken: '' });
  // It may wake and go on: what it has not heard it cannot do.
  t.regex(frozen.heard().toString('latin1'), /^(countermand passes on\n)+$/);
});

test('the same over TLS, where the client speaks first', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const authority = await newAuthority(t);
  const { cert: certificate, key } = await authority.issue(ownAddress());
  const material = { own: { certificate, key }, ca: authority.cert };
  const { front, address } = await openPort(t, world, 'first', { current: () => material, onChange: () => {} });
  const frozen = await openSilence(t);
  front.standBy(standing('first', frozen.address));
  const channel = openChannelTo(address, { material, serverName: null }, {});
  t.teardown(() => channel.close());
  const answer = createClient(NodeServiceDefinition, channel).listNodes({});
  await frozen.spoken;
  front.lead(led(world));
  t.deepEqual(await answer, { nodes: [], nextPageToken: '' });
});

test('TLS goes from end to end: the one that leads sees the certificate of the client', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const authority = await newAuthority(t);
  const materialFor = async (subject: string) => {
    const { cert: certificate, key } = await authority.issue(subject);
    return { own: { certificate, key }, ca: authority.cert };
  };
  const tls = { current: await materialFor(ownAddress()).then((material) => () => material), onChange: () => {} };
  const [first, second] = [await openPort(t, world, 'first', tls), await openPort(t, world, 'second', tls)];
  const callers: (string | undefined)[] = [];
  const { conductor } = world;
  const identify: Identify = async (credentials) => {
    callers.push(credentials.certificate?.name);
    return anonymous(credentials);
  };
  first.front.lead({ conductor, services: createServices(conductor, identify), objection: () => null });
  second.front.standBy(standing('second', first.address));
  const channel = openChannelTo(second.address, { material: await materialFor('anna'), serverName: null }, {});
  t.teardown(() => channel.close());
  await createClient(NodeServiceDefinition, channel).listNodes({});
  t.deepEqual(callers, ['CN=anna']);
});

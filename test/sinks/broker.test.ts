/** What is no broker, or no good one, ends soon and harms nothing. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { DeliveryFailure, type ToldEvent } from '../../src/core/outlets.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { isBrokerUrl } from '../../src/sinks/rabbitmq/broker.ts';
import { envelopeOf, routingKeyOf } from '../../src/sinks/rabbitmq/envelope.ts';
import { rabbitmqKind } from '../../src/sinks/rabbitmq/rabbitmq.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const EVENT: ToldEvent = {
  ...{
    sequence: 7,
    eventType: 'a.b',
    priority: 'WARNING',
    publisherId: 'p',
    timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  },
  messageId: '3b1f7f0e-6f0b-4d37-9d1a-2f3f1c3f0a11',
  payload: { 'watcher_object.name': 'X' },
};

async function listen(t: ExecutionContext, speak: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    speak(socket);
  }).listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `amqp://guest@${ownAddress()}:${(server.address() as AddressInfo).port}/`;
  return { settings: { rabbitmq_url: url, rabbitmq_password: 'secret-word' }, sockets };
}

const frame = (type: number, size: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt32BE(size, 3);
  return Buffer.concat([head, payload]);
};

const BAD: readonly (readonly [what: string, speak: (socket: Socket) => void])[] = [
  ['hangs up', (socket) => socket.destroy()],
  ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['speaks another version', (socket) => socket.end('AMQP\0\0\x01\0')],
  ['sends a frame of 4 GB', (socket) => socket.write(frame(1, 0xffffffff, Buffer.alloc(1000)))],
  ['sends a method that there is not', (socket) => socket.write(frame(1, 4, Buffer.from([0, 99, 0, 99, 0xce])))],
];
for (const [what, speak] of BAD)
  test(`a broker that ${what} is a failure, and the connection ends`, async (t) => {
    const { settings, sockets } = await listen(t, speak);
    const clock = new VirtualClock();
    const outlet = rabbitmqKind.open(settings, { ...PARTS, clock });
    const error = await t.throwsAsync(outlet.send([EVENT], never()), { instanceOf: DeliveryFailure });
    t.notRegex(error?.message ?? '', /secret-word/);
    await outlet.close();
    await Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket.resume(), 'close')));
    t.is(clock.timers, 0);
  });

const PARTS = { databaseId: 'd', chance: null as never, objection: () => null };
const never = () => openCancellation([]).signal;

test('a broker that never says anything is left at the limit, or at the abort', async (t) => {
  const connected = Promise.withResolvers<void>();
  const { settings, sockets } = await listen(t, () => connected.resolve());
  const clock = new VirtualClock();
  const outlet = rabbitmqKind.open(settings, { ...PARTS, clock });
  const failed = t.throwsAsync(outlet.send([EVENT], never()), { message: /longer than 15 s/ });
  await connected.promise;
  await clock.turn(15_000);
  await failed;
  await Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket.resume(), 'close')));
  const refused = rabbitmqKind.open(settings, { ...PARTS, clock, objection: () => 'it is out of bounds' });
  await t.throwsAsync(refused.send([EVENT], never()), { message: 'it is out of bounds' });
  t.is(sockets.length, 1);
  t.is(clock.timers, 0);
});

test('an event becomes a notification of oslo.messaging', (t) => {
  const outer = JSON.parse(envelopeOf(EVENT, null).toString());
  t.is(outer['oslo.version'], '2.0');
  t.deepEqual(JSON.parse(outer['oslo.message']), {
    ...{ message_id: EVENT.messageId, publisher_id: 'p', event_type: 'a.b', priority: 'WARN', payload: EVENT.payload },
    ...{ timestamp: '2026-01-02 03:04:05.006000', _unique_id: '3b1f7f0e6f0b4d379d1a2f3f1c3f0a11' },
  });
  t.is(
    JSON.parse(JSON.parse(envelopeOf(EVENT, 'infra-optim:h').toString())['oslo.message']).publisher_id,
    'infra-optim:h',
  );
  const topics = { plans: 'w', nodes: 'v' };
  t.is(routingKeyOf(EVENT, topics), 'w.warn');
  t.is(routingKeyOf({ priority: 'ERROR', payload: { 'ironic_object.name': 'X' } }, topics), 'v.error');
});

test('the URL of a broker has no password and no options', (t) => {
  for (const good of ['amqp://u@h', 'amqps://u@[::1]:5671/vhost', 'amqps://h/%2f']) t.true(isBrokerUrl(good), good);
  for (const bad of ['amqp://u:p@h', 'rabbit://h', 'amqp://h/?heartbeat=0', 'amqp:', 'h', 'amqp://h/#x'])
    t.false(isBrokerUrl(bad), bad);
});

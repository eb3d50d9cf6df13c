/** RabbitMQ and oslo.messaging, as Debian has them: what a sink publishes is heard, unchanged and in order, whatever becomes of the broker. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { connect } from 'amqplib';
import test, { type ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { checkSettings, type Outlet, type ToldEvent } from '../../src/core/outlets.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { rabbitInbox } from '../../src/sinks/rabbitmq/inbox.ts';
import { rabbitmqKind } from '../../src/sinks/rabbitmq/rabbitmq.ts';
import { newAuthority } from '../counterparts/certificates.ts';
import { type RabbitBroker, sharedRabbit } from '../counterparts/rabbitmq.ts';
import { follow, type Happened, notifier } from './followed.ts';

const rabbit = sharedRabbit();
/** Made once: the broker is started with it. */
let identity: Promise<{ key: string; cert: string; ca: string }> | null = null;

function broker(t: ExecutionContext): Promise<RabbitBroker> {
  identity ??= newAuthority(t).then(async ({ cert, issue }) => ({ ...(await issue(ownAddress())), ca: cert }));
  return identity.then(rabbit);
}

const PARTS = { databaseId: 'db', clock: systemClock, chance: systemChance, objection: () => null };
const never = openCancellation([]).signal;

function outletTo(t: ExecutionContext, { host, port }: RabbitBroker, more: Record<string, string> = {}): Outlet {
  const settings = { rabbitmq_url: `amqp://guest@${host}:${port}/`, rabbitmq_password: 'guest', ...more };
  checkSettings(rabbitmqKind, settings);
  const outlet = rabbitmqKind.open(settings, PARTS);
  t.teardown(() => outlet.close());
  return outlet;
}

const event = (sequence: number, more: Partial<ToldEvent> = {}): ToldEvent => ({
  ...{ sequence, eventType: 'baremetal.node.power_set.end', priority: 'INFO', publisherId: 'countermand-conductor.h' },
  ...{ messageId: `00000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`, timestamp: Date.UTC(2026, 0, 1) },
  payload: { 'ironic_object.name': 'X', 'ironic_object.data': { n: sequence } },
  ...more,
});
const plan = (eventType: string) => ({ eventType, payload: { 'watcher_object.name': 'Y', 'watcher_object.data': {} } });

const fifty = (from: number): ToldEvent[] => Array.from({ length: 50 }, (_, more) => event(from + more));

/** A listener of oslo.messaging; resolves with each notification that it hears. */
function listen(t: ExecutionContext, { host, port }: RabbitBroker, exchange: string, ...topics: string[]) {
  const script = new URL('../counterparts/oslo_listener.py', import.meta.url).pathname;
  const url = `rabbit://guest:guest@${host}:${port}/`;
  const listener = spawn('setpriv', ['--pdeathsig', 'KILL', '/usr/bin/python3', script, url, exchange, ...topics], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  listener.stderr.on('data', (text) => t.log(String(text)));
  t.teardown(() => listener.kill('SIGKILL'));
  const lines = createInterface(listener.stdout)[Symbol.asyncIterator]();
  return async (count: number) => {
    const heard = [];
    while (heard.length < count) heard.push(JSON.parse((await lines.next()).value ?? 'null'));
    return heard;
  };
}

test.serial(
  'a listener of oslo.messaging hears events of plans and nodes, as they are, with the priorities that it knows',
  async (t) => {
    const server = await broker(t);
    const outlet = outletTo(t, server);
    const events = [
      event(1),
      event(2, { priority: 'WARNING' }),
      event(3, plan('action_plan.cancel.start')),
      event(4, { ...plan('action.cancel.error'), priority: 'ERROR' }),
      event(5),
    ];
    // There is no listener yet: the queues are made.
    await outlet.send(events, never);
    const hear = listen(t, server, 'countermand', 'watcher_notifications', 'versioned_notifications');
    const heard = await hear(5);
    t.deepEqual(
      heard.map(({ metadata }) => metadata.message_id).sort(),
      events.map(({ messageId }) => messageId),
    );
    const of = (sequence: number) =>
      heard.find(({ metadata }) => metadata.message_id === events[sequence - 1]?.messageId);
    t.deepEqual(of(1), {
      ...{ priority: 'info', publisher_id: 'countermand-conductor.h', event_type: 'baremetal.node.power_set.end' },
      payload: events[0]?.payload,
      metadata: { message_id: events[0]?.messageId, timestamp: '2026-01-01 00:00:00.000000' },
    });
    t.is(of(2).priority, 'warn');
    t.is(of(4).priority, 'error');
    t.deepEqual(
      heard
        .filter(({ priority, payload }) => priority === 'info' && 'ironic_object.name' in payload)
        .map(({ payload }) => payload['ironic_object.data'].n),
      [1, 5],
    );
  },
);

test.serial('over TLS, with the authority that is named and no other; a wrong password is said', async (t) => {
  const server = await broker(t);
  const { ca } = await (identity as Promise<{ ca: string }>);
  const tls = { rabbitmq_url: `amqps://guest@${server.host}:${server.tlsPort}/` };
  await outletTo(t, server, { ...tls, rabbitmq_ca: ca }).send([event(10)], never);
  await t.throwsAsync(outletTo(t, server, tls).send([event(11)], never), { message: /^RabbitMQ: .*certificate/ });
  const wrong = outletTo(t, server, { ...tls, rabbitmq_ca: ca, rabbitmq_password: 'no-such-word' });
  const error = await t.throwsAsync(wrong.send([event(11)], never), { message: /^RabbitMQ: .*403/ });
  t.notRegex(error?.message ?? '', /no-such-word/);
});

test.serial(
  'an exchange that belongs to others is never declared, nor a queue of theirs changed; what no queue wants is not lost',
  async (t) => {
    const server = await broker(t);
    const foreign = outletTo(t, server, { rabbitmq_exchange: 'watcher', rabbitmq_queues: 'none' });
    await t.throwsAsync(foreign.send([event(20)], never), {
      message: /no exchange 'watcher': whoever it belongs to declares it/,
    });
    await foreign.close();
    const owner = await connect(`amqp://${server.host}:${server.port}`);
    t.teardown(() => owner.close());
    const channel = await owner.createChannel();
    // As OpenStack does by default.
    await channel.assertExchange('watcher', 'topic', { durable: false });
    await t.throwsAsync(foreign.send([event(20)], never), {
      message: /no queue for versioned_notifications.info at the exchange 'watcher'/,
    });
    await foreign.close();
    const dropping = outletTo(t, server, {
      rabbitmq_exchange: 'watcher',
      rabbitmq_queues: 'none',
      rabbitmq_unrouted: 'drop',
    });
    await dropping.send([event(20), event(21)], never);
    await channel.assertQueue('alerts.info', { durable: false });
    const making = outletTo(t, server, { rabbitmq_exchange: 'watcher', rabbitmq_node_topic: 'alerts' });
    await making.send([event(22), event(23)], never);
    const got = [await channel.get('alerts.info'), await channel.get('alerts.info'), await channel.get('alerts.info')];
    t.deepEqual(
      got.map((message) => (message === false ? null : message.properties.headers?.['x-countermand-sequence'])),
      ['22', '23', null],
    );
  },
);

test.serial(
  'killed and started again, the broker has every event that it had confirmed, and gets the others; in order',
  async (t) => {
    const server = await broker(t);
    const keep = { rabbitmq_node_topic: 'kept' };
    let outlet = outletTo(t, server, keep);
    const sent: number[] = [];
    const enough = Promise.withResolvers<void>();
    const sendUntilItFails = async (): Promise<void> => {
      for (let at = 1001; ; at += 50) {
        await outlet.send(fifty(at), never);
        sent.push(at + 49);
        if (sent.length === 3) enough.resolve();
      }
    };
    const failed = t.throwsAsync(sendUntilItFails(), { message: /^RabbitMQ/ });
    await enough.promise;
    await server.kill();
    await failed;
    const confirmed = sent.at(-1) as number;
    await outlet.close();
    await t.throwsAsync(outletTo(t, server, keep).send([event(1)], never), { message: /RabbitMQ: .*ECONNREFUSED/ });
    await server.start();
    outlet = outletTo(t, server, keep);
    await outlet.send(fifty(confirmed + 1), never);
    const hear = listen(t, server, 'countermand', 'kept');
    const numbers: number[] = [];
    while (numbers.at(-1) !== confirmed + 50) {
      const [one] = await hear(1);
      numbers.push(one.payload['ironic_object.data'].n);
    }
    const firsts = [...new Set(numbers)];
    t.deepEqual(
      firsts,
      Array.from({ length: confirmed + 50 - 1000 }, (_, at) => 1001 + at),
    );
  },
);

test.serial(
  'notifications of an oslo.messaging notifier are read once each, whatever becomes of the broker; its exchange is never declared',
  async (t) => {
    const server = await broker(t);
    const place = { url: new URL(`amqp://guest@${server.host}:${server.port}/`), ca: null, password: () => 'guest' };
    // A topic of its own: the queue of the usual one is there, and durable, since an earlier test.
    const topics = ['nova_notifications'];
    const inbox = rabbitInbox({ ...place, exchange: 'nova', topics, queueType: 'classic' }, systemClock);
    const { source, hooks, next } = await follow(t, inbox);
    const until = async (what: RegExp): Promise<Happened> => {
      for (;;) {
        const one = await next();
        if (what.test(one.what)) return one;
      }
    };
    await until(/not read: RabbitMQ has no exchange 'nova' in the virtual host '\/'/);
    const notify = notifier(t, server, 'nova', 'nova_notifications');
    const stopped = { uuid: 'i-1', host: 'cmp1' };
    await notify('instance.exists', stopped);
    await until(/are read$/);
    await notify('instance.power_off.end', stopped);
    // Whether it has heard of the other one, which changes nothing, depends on who was first.
    const first = await until(/^taken, 1 changes$/);

    const other = await connect(`amqp://${server.host}:${server.port}`);
    other.on('error', () => {});
    t.teardown(() => other.close().catch(() => {}));
    const channel = await other.createChannel();
    channel.publish('nova', 'nova_notifications.info', first.body);
    channel.publish('nova', 'nova_notifications.error', Buffer.from([0xff, 0, 0xfe]));
    t.is((await next()).what, 'taken, 1 changes');
    t.regex((await next()).what, /were refused: it is not UTF-8$/);
    t.is((await next()).what, 'refused, 1 changes');
    t.like(source.counts, { changed: 1, repeated: 1, unreadable: 1 });

    // It is committed, the broker dies before it hears so, and what is in the queue is still there afterwards.
    const held = Promise.withResolvers<void>();
    hooks.committed = () => held.promise;
    await notify('instance.power_on.end', stopped);
    t.is((await next()).what, 'taken, 2 changes');
    await server.kill();
    hooks.committed = async () => {};
    held.resolve();
    await until(/not read: RabbitMQ/);
    await server.start();
    // The exchange was not durable: it is there when a service notifies again, which is lost to us.
    await notify('instance.exists', stopped);
    t.is((await until(/^taken/)).what, 'taken, 2 changes', 'it comes again, and changes nothing');
    await notify('instance.delete.end', stopped);
    await until(/^taken, 3 changes$/);
    t.like(source.counts, { changed: 3, repeated: 2, unreadable: 1 });
  },
);

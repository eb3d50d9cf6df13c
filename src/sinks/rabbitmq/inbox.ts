/** A queue at RabbitMQ that is read: bound to an exchange of others, which is never declared. */
import type { Channel, ConsumeMessage } from 'amqplib';
import { openChannel } from '../../core/channel.ts';
import type { Clock } from '../../core/clock.ts';
import type { Inbox } from '../../core/inbox.ts';
import { DeliveryFailure } from '../../core/outlets.ts';
import { type Broker, type BrokerPlace, isThere, openBroker } from './broker.ts';

/** Which messages are read, and from where. */
interface InboxPlace extends Omit<BrokerPlace, 'password'> {
  /** Read at each connection, so that a changed one is used. @throws what keeps it from being read */
  password(): string;
  readonly exchange: string;
  /** What the routing keys of the messages begin with, up to the dot. */
  readonly topics: readonly string[];
  readonly queueType: 'classic' | 'quorum';
}

/** How long one answer of the broker may take. */
const LIMIT_MS = 15_000;
/** How many messages are on their way to us at a time. */
const AT_ONCE = 20;
/** Of a queue that is not read, the oldest messages go beyond this number, so that no disk is filled. */
const QUEUE_LENGTH = 100_000;
/** A queue that has not been read for this long is deleted: the installation is gone. */
const QUEUE_EXPIRES_MS = 7 * 24 * 3_600_000;

/** A queue at a broker. Nothing is opened yet. */
export function rabbitInbox(place: InboxPlace, clock: Clock): Inbox {
  const { url, ca, exchange } = place;
  return {
    place: `RabbitMQ at ${url.host}, exchange '${exchange}'`,
    async read(queue, take, opened, signal) {
      // Where it leads is said by whoever writes the configuration, and by no one else.
      const parts = { clock, objection: () => null };
      const broker = await openBroker({ url, ca, password: place.password() }, LIMIT_MS, parts, signal);
      const messages = openChannel<ConsumeMessage | null>(signal);
      try {
        const what = `the queue ${queue} of RabbitMQ`;
        const channel = await broker.within(LIMIT_MS, what, () => openQueue(queue, place, broker), signal);
        channel.on('error', (error: Error) => messages.end(error));
        channel.on('close', () => messages.end());
        const begin = () => channel.consume(queue, (message) => messages.push(message));
        await broker.within(LIMIT_MS, what, begin, signal);
        opened();
        const reading = messages[Symbol.asyncIterator]();
        for (;;) {
          const { value } = await broker.during(reading.next(), signal);
          if (!value) throw new DeliveryFailure(`RabbitMQ: the queue ${queue} was deleted, or its channel was closed`);
          answer(channel, value, await take(value.content));
        }
      } finally {
        messages.end();
        await broker.close();
      }
    },
  };
}

/** What is taken has been stored, so an answer that is lost means that the message comes once more. */
function answer(channel: Channel, message: ConsumeMessage, isTaken: boolean): void {
  try {
    if (isTaken) channel.ack(message);
    else channel.reject(message, false);
  } catch (thrown) {
    // The channel has gone, and the connection with it.
    throw new DeliveryFailure(`RabbitMQ: ${(thrown as Error).message}`.slice(0, 300));
  }
}

/** Bound again each time: the binding to an exchange that is not durable ends with a restart of the broker, and the queue does not. */
async function openQueue(queue: string, place: InboxPlace, { model }: Broker): Promise<Channel> {
  const { url, exchange, topics, queueType } = place;
  if (!(await isThere(model, (asking) => asking.checkExchange(exchange))))
    throw new DeliveryFailure(
      `RabbitMQ has no exchange '${exchange}' in the virtual host '${url.pathname.slice(1) || '/'}': Nova declares it when it starts; look at the name, and at transport_url of Nova`,
    );
  const channel = await model.createChannel();
  channel.on('error', () => {});
  channel.on('handler-error', () => {});
  await channel.assertQueue(queue, {
    durable: true,
    arguments: { 'x-max-length': QUEUE_LENGTH, 'x-expires': QUEUE_EXPIRES_MS, 'x-queue-type': queueType },
  });
  for (const topic of topics) await channel.bindQueue(queue, exchange, `${topic}.*`);
  await channel.prefetch(AT_ONCE);
  return channel;
}

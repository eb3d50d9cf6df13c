/** RabbitMQ: events as a service of OpenStack would notify of them, so that listeners of oslo.messaging hear them. */
import type { ConfirmChannel } from 'amqplib';
import {
  DeliveryFailure,
  type Outlet,
  type OutletParts,
  type Settings,
  type SinkKind,
  type ToldEvent,
} from '../../core/outlets.ts';
import { refusePlaceOf } from '../receiver.ts';
import { type Broker, isBrokerUrl, isThere, openBroker, placeOf } from './broker.ts';
import { envelopeOf, routingKeyOf } from './envelope.ts';

/** The exchange that is ours to declare. */
const OWN_EXCHANGE = 'countermand';
const TIMEOUT_S = 15;
const LONGEST_TIMEOUT_S = 60;
/** At most this many messages wait for their confirmations at a time. */
const AT_ONCE = 50;

const name = {
  mustBe: 'a name: 1 to 200 letters, digits, dots, dashes and underscores',
  isGood: (value: string) => /^[\w.-]{1,200}$/.test(value),
};
const oneOf = (...words: readonly string[]) => ({
  mustBe: words.join(' or '),
  isGood: (value: string) => words.includes(value),
});

const SETTINGS = {
  rabbitmq_url: {
    meaning:
      'where the broker is, who we are there, and the virtual host, such as amqps://countermand@mq.example/openstack',
    required: true,
    mustBe: 'amqps://USER@HOST:PORT/VHOST, or amqp://, without a password',
    isGood: isBrokerUrl,
  },
  rabbitmq_password: {
    meaning: 'the password of that user',
    secret: true,
    required: true,
    mustBe: 'a text of 1 to 255 characters',
    isGood: (value: string) => value.length >= 1 && value.length <= 255,
  },
  rabbitmq_ca: {
    meaning: 'PEM text of the authority that may vouch for the broker; mostly file:NAME',
    readsFiles: true,
    fallback: 'those that Node.js knows',
    mustBe: 'certificates in PEM',
    isGood: (value: string) => value.includes('-----BEGIN CERTIFICATE-----'),
  },
  rabbitmq_exchange: {
    meaning: `where messages are published. Only ${OWN_EXCHANGE} is declared, as a topic exchange; any other must be there`,
    fallback: OWN_EXCHANGE,
    ...name,
  },
  rabbitmq_durable: {
    meaning: 'whether what the sink declares outlives a restart of the broker; as amqp_durable_queues of the listeners',
    fallback: 'true',
    ...oneOf('true', 'false'),
  },
  rabbitmq_queues: {
    meaning:
      'make: the queue that listeners read, named like the routing key, is declared if it is not there, and bound, as services of OpenStack do; none: it is not',
    fallback: 'make',
    ...oneOf('make', 'none'),
  },
  rabbitmq_unrouted: {
    meaning: 'what becomes of an event that the exchange has no queue for: the sink waits for one, or drops the event',
    fallback: 'wait',
    ...oneOf('wait', 'drop'),
  },
  rabbitmq_plan_topic: {
    meaning: 'the topic of plans, actions and audits',
    fallback: 'watcher_notifications',
    ...name,
  },
  rabbitmq_node_topic: { meaning: 'the topic of nodes, and of all else', fallback: 'versioned_notifications', ...name },
  rabbitmq_publisher: {
    meaning: 'publisher_id of all notifications, for listeners that look for one, such as infra-optim:host7',
    fallback: 'that of the event',
    mustBe: 'a text of 1 to 255 characters',
    isGood: (value: string) => value.length >= 1 && value.length <= 255,
  },
  rabbitmq_timeout: {
    meaning: 'how long one answer may take, in seconds',
    fallback: String(TIMEOUT_S),
    mustBe: `a whole number of seconds from 1 to ${LONGEST_TIMEOUT_S}`,
    isGood: (value: string) => /^[1-9]\d?$/.test(value) && Number(value) <= LONGEST_TIMEOUT_S,
  },
} as const satisfies SinkKind['settings'];

/** The kind of sinks that publish to RabbitMQ. */
export const rabbitmqKind: SinkKind = {
  name: 'rabbitmq',
  meaning: 'publishes each event to RabbitMQ, as oslo.messaging does',
  settings: SETTINGS,
  atOnce: AT_ONCE,
  contradiction: ({ rabbitmq_url: url = '', rabbitmq_ca: ca }) =>
    url.startsWith('amqp:') && ca !== undefined ? 'rabbitmq_ca is for amqps, and rabbitmq_url is amqp' : null,
  refusePlace: ({ rabbitmq_url: url = '' }, objection) => refusePlaceOf(url, objection),
  open: (settings, parts) => new RabbitOutlet(settings, parts),
};

interface Opened {
  readonly broker: Broker;
  readonly channel: ConfirmChannel;
  /** What came back because no queue wants it, by message id. */
  readonly returned: Set<string>;
  /** The keys that a queue is known to want. */
  readonly routed: Set<string>;
}

class RabbitOutlet implements Outlet {
  readonly #settings: Settings;
  readonly #parts: OutletParts;
  readonly #timeoutMs: number;
  #opened: Opened | null = null;

  constructor(settings: Settings, parts: OutletParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#timeoutMs = Number(settings.rabbitmq_timeout ?? TIMEOUT_S) * 1000;
  }

  async send(events: readonly ToldEvent[], signal: AbortSignal): Promise<void> {
    this.#opened ??= await this.#open(signal);
    const opened = this.#opened;
    let waiting: ToldEvent[] = [];
    for (const event of events) {
      const key = this.#keyOf(event);
      const isRouted = opened.routed.has(key);
      if (!isRouted) {
        await this.#confirm(waiting, opened, signal);
        waiting = [];
        await this.#makeQueue(key, opened, signal);
      }
      this.#publish(event, key, opened);
      waiting.push(event);
      if (isRouted) continue;
      // The first of a key goes alone: if no queue wants it, what follows must not overtake it.
      await this.#confirm(waiting, opened, signal);
      waiting = [];
      opened.routed.add(key);
    }
    await this.#confirm(waiting, opened, signal);
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.broker.close();
  }

  #keyOf(event: ToldEvent): string {
    const { rabbitmq_plan_topic: plans, rabbitmq_node_topic: nodes } = this.#settings;
    const { rabbitmq_plan_topic, rabbitmq_node_topic } = SETTINGS;
    return routingKeyOf(event, {
      plans: plans ?? rabbitmq_plan_topic.fallback,
      nodes: nodes ?? rabbitmq_node_topic.fallback,
    });
  }

  get #exchange(): string {
    return this.#settings.rabbitmq_exchange ?? OWN_EXCHANGE;
  }

  get #durable(): boolean {
    return this.#settings.rabbitmq_durable !== 'false';
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    const broker = await openBroker(placeOf(this.#settings), this.#timeoutMs, this.#parts, signal);
    try {
      const channel = await broker.within(
        this.#timeoutMs,
        'a channel of RabbitMQ',
        () => this.#openChannel(broker),
        signal,
      );
      const returned = new Set<string>();
      channel.on('return', ({ properties }) => returned.add(String(properties.messageId)));
      return { broker, channel, returned, routed: new Set() };
    } catch (thrown) {
      await broker.close();
      throw thrown;
    }
  }

  async #openChannel({ model }: Broker): Promise<ConfirmChannel> {
    const exchange = this.#exchange;
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    channel.on('handler-error', () => {});
    if (exchange === OWN_EXCHANGE) await channel.assertExchange(exchange, 'topic', { durable: this.#durable });
    else if (!(await isThere(model, (asking) => asking.checkExchange(exchange))))
      throw new DeliveryFailure(`RabbitMQ has no exchange '${exchange}': whoever it belongs to declares it`);
    return channel;
  }

  /** The queue that listeners read, so that nothing is dropped before the first of them has come. Its owner may have made it in another way. */
  async #makeQueue(key: string, { broker, channel }: Opened, signal: AbortSignal): Promise<void> {
    if (this.#settings.rabbitmq_queues === 'none') return;
    const make = async (): Promise<void> => {
      const isMade = await isThere(broker.model, (asking) => asking.checkQueue(key));
      if (!isMade) await channel.assertQueue(key, { durable: this.#durable });
      await channel.bindQueue(key, this.#exchange, key);
    };
    await broker.within(this.#timeoutMs, 'a queue of RabbitMQ', make, signal);
  }

  #publish(event: ToldEvent, key: string, { channel }: Opened): void {
    try {
      channel.publish(this.#exchange, key, envelopeOf(event, this.#settings.rabbitmq_publisher ?? null), {
        ...{ contentType: 'application/json', contentEncoding: 'utf-8', persistent: true, mandatory: true },
        // As text: py-amqp takes a number of 16 bits for a text, fails, and no listener would come past the message.
        ...{ messageId: event.messageId, headers: { 'x-countermand-sequence': String(event.sequence) } },
      });
    } catch (thrown) {
      // The channel has gone, and the connection with it.
      throw new DeliveryFailure(`RabbitMQ: ${(thrown as Error).message}`.slice(0, 300));
    }
  }

  async #confirm(
    events: readonly ToldEvent[],
    { broker, channel, returned }: Opened,
    signal: AbortSignal,
  ): Promise<void> {
    if (events.length === 0) return;
    await broker.within(this.#timeoutMs, 'a confirmation of RabbitMQ', () => channel.waitForConfirms(), signal);
    const unrouted = events.find(({ messageId }) => returned.has(messageId));
    returned.clear();
    if (unrouted === undefined || this.#settings.rabbitmq_unrouted === 'drop') return;
    throw new DeliveryFailure(
      `RabbitMQ has no queue for ${this.#keyOf(unrouted)} at the exchange '${this.#exchange}', and would have dropped the event`,
    );
  }
}

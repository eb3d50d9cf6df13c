/** A connection to RabbitMQ that always ends: by its time limits, by its heartbeats, and when it is told to. */
import { connect as connectTcp, type Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';
import { CountermandError, fail } from '../../core/errors.ts';
import { DeliveryFailure, type OutletParts, type Settings } from '../../core/outlets.ts';
import { abortable, openCancellation, untilAborted } from '../../core/signals.ts';
import { allowedLookup, refuseAddress } from '../receiver.ts';

/** Where a broker is, and who we are there. */
export interface BrokerPlace {
  readonly url: URL;
  readonly password: string;
  /** PEM text of the authorities that may vouch for it; null: those of Node.js. */
  readonly ca: string | null;
}

type Parts = Pick<OutletParts, 'clock' | 'objection'>;

/** A connection. */
export interface Broker {
  readonly model: ChannelModel;
  /** Resolves with the result of `work`. @throws DeliveryFailure when the limit is over, or the connection breaks; the reason of the abort, at once */
  within<T>(limitMs: number, what: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Resolves with the result of `work`, however long it takes. @throws DeliveryFailure when the connection breaks; the reason of the abort, at once */
  during<T>(work: Promise<T>, signal: AbortSignal): Promise<T>;
  /** Ends it: in order if the broker answers soon, and in any case. */
  close(): Promise<void>;
}

const HEARTBEAT_S = 10;
/** How long the broker may take to end a connection in order. */
const CLOSE_LIMIT_MS = 1000;
/** No frame is larger: what comes is confirmations and messages of others, of at most this size in one piece. */
const FRAME_LIMIT_BYTES = 128 * 1024;

/** True for the URL of a broker, without a password and without options. */
export function isBrokerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, password, search, hash } = new URL(text);
  return /^amqps?:$/.test(protocol) && hostname !== '' && password === '' && search === '' && hash === '';
}

/** Where the settings of a sink lead. */
export const placeOf = (settings: Settings): BrokerPlace => ({
  url: new URL(settings.rabbitmq_url as string),
  password: settings.rabbitmq_password as string,
  ca: settings.rabbitmq_ca ?? null,
});

/** Connects and logs in. @throws DeliveryFailure; the reason of the abort, at once */
export async function openBroker(
  { url, password, ca }: BrokerPlace,
  limitMs: number,
  parts: Parts,
  signal: AbortSignal,
): Promise<Broker> {
  const isPlain = url.protocol === 'amqp:';
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  refuseAddress(hostname, isPlain, parts.objection);
  const { connect } = await import('./amqp.ts');
  const life = openCancellation([]);
  const port = Number(url.port || (isPlain ? 5672 : 5671));
  const sockets = { noDelay: true, signal: life.signal, lookup: allowedLookup(isPlain, parts.objection) };
  // The library hands its options to TLS, which knows no signal: there, the socket below is ours.
  const below: Socket | null = isPlain ? null : connectTcp({ ...sockets, host: hostname, port });
  below?.on('error', () => {});
  const end = (): void => life.abort(fail('CALL_ENDED', 'the connection to the broker is not needed any more'));
  try {
    const model = await within(limitMs, 'the connection to RabbitMQ', parts, signal, () =>
      connect(
        {
          ...{ protocol: isPlain ? 'amqp' : 'amqps', hostname, port, password },
          ...{ username: decodeURIComponent(url.username), vhost: url.pathname.slice(1) || '/' },
          ...{ heartbeat: HEARTBEAT_S, frameMax: FRAME_LIMIT_BYTES },
        },
        { ...sockets, ...(below && { socket: below }), ...(ca !== null && { ca }), ...CLIENT },
      ).then(heard),
    );
    return brokerOf(model, parts, end);
  } catch (thrown) {
    end();
    signal.throwIfAborted();
    throw failureOf(thrown);
  }
}

/** An error that is told to no listener would end the process; one that comes late is told to no other listener. */
function heard(model: ChannelModel): ChannelModel {
  model.on('error', () => {});
  return model;
}

const CLIENT = { clientProperties: { connection_name: 'countermand' } };

function brokerOf(model: ChannelModel, parts: Parts, end: () => void): Broker {
  let broken: Error | null = null;
  const isBroken = Promise.withResolvers<never>();
  isBroken.promise.catch(() => {});
  const breakOff = (error: Error): void => {
    broken ??= error;
    isBroken.reject(broken);
  };
  model.on('error', breakOff);
  model.on('handler-error', breakOff);
  model.on('close', () => breakOff(new Error('the connection was closed')));
  return {
    model,
    async within(limitMs, what, work, signal) {
      try {
        return await within(limitMs, what, parts, signal, () => Promise.race([work(), isBroken.promise]));
      } catch (thrown) {
        signal.throwIfAborted();
        throw failureOf(broken ?? thrown);
      }
    },
    async during(work, signal) {
      try {
        return await untilAborted(Promise.race([work, isBroken.promise]), signal);
      } catch (thrown) {
        signal.throwIfAborted();
        throw failureOf(broken ?? thrown);
      }
    },
    async close() {
      const never = openCancellation([]).signal;
      if (broken === null)
        await within(CLOSE_LIMIT_MS, 'the end of the connection', parts, never, () => model.close()).catch(() => {});
      end();
    },
  };
}

/** The result of `work`, which must not throw but reject. */
async function within<T>(
  afterMs: number,
  what: string,
  { clock }: Parts,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const limit = openCancellation([signal], { clock, afterMs, what });
  try {
    return await untilAborted(work(), limit.signal);
  } finally {
    limit.end();
  }
}

/** A failure in the words of the broker, which has seen no secret but at the login, and repeats none. */
function failureOf(thrown: unknown): DeliveryFailure {
  if (thrown instanceof DeliveryFailure) return thrown;
  if (thrown instanceof CountermandError) return new DeliveryFailure(thrown.message);
  const { code, message = '' } = thrown as { readonly code?: unknown; readonly message?: string };
  const words = message.replace(/[\p{C}\s]+/gu, ' ').slice(0, 300) || String(code ?? 'the connection broke');
  return new DeliveryFailure(`RabbitMQ: ${words}`);
}

/** Resolves with whether the broker says that something is there: it closes the channel that asks for what is not. */
export async function isThere(model: ChannelModel, ask: (channel: Asking) => Promise<unknown>): Promise<boolean> {
  const channel = await model.createChannel();
  const closed = abortable<boolean>((resolve, reject) => {
    channel.on('error', (error: Error & { readonly code?: number }) =>
      error.code === NOT_FOUND ? resolve(false) : reject(error),
    );
    return () => {};
  }, openCancellation([]).signal);
  closed.catch(() => {});
  const answered = ask(channel).then(
    () => true,
    (error: Error & { readonly code?: number }) => {
      if (error.code === NOT_FOUND) return false;
      throw error;
    },
  );
  const found = await Promise.race([answered, closed]);
  answered.catch(() => {});
  if (found) await channel.close();
  return found;
}

const NOT_FOUND = 404;
type Asking = Awaited<ReturnType<ChannelModel['createChannel']>>;

/** Who listens in a soak: a stream for each node, subscribers of all events, and subscribers that do not read. */
import { ChannelCredentials, ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';
import { NodeServiceDefinition } from '../../src/gen/countermand/v1/node.ts';
import { NotificationServiceDefinition, type SubscribeResponse } from '../../src/gen/countermand/v1/notification.ts';

/** Streams over one connection. */
const PER_CONNECTION = 1_000;
const AT_ONCE = 200;

const dial = (address: string) =>
  createChannel(address, ChannelCredentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });

/** Streams that each watch one node. */
export interface NodeWatches {
  /** What was told last of each node: its revision. */
  readonly revisions: ReadonlyMap<string, number>;
  /** How many messages came in all. */
  messages(): number;
  /** Why streams have ended. None should. */
  readonly ends: readonly string[];
}

/** Opens a stream for each node; resolves when each has told its present state. */
export async function watchEach(names: readonly string[], address: string, signal: AbortSignal): Promise<NodeWatches> {
  const revisions = new Map<string, number>();
  const ends: string[] = [];
  let messages = 0;
  const channels = Array.from({ length: Math.ceil(names.length / PER_CONNECTION) }, () => dial(address));
  const open = async (name: string, at: number): Promise<void> => {
    const client = createClient(NodeServiceDefinition, channels[at % channels.length] as (typeof channels)[number]);
    const stream = client.watchNodes({ nodes: [name] }, { signal })[Symbol.asyncIterator]();
    const take = async (): Promise<boolean> => {
      const { done, value } = await stream.next();
      if (done) return false;
      messages += 1;
      if (value.node) revisions.set(name, value.node.revision);
      return true;
    };
    await take();
    const listen = async (): Promise<void> => {
      while (await take());
      throw new Error('it was ended without a reason');
    };
    listen().catch((error: Error) => {
      if (!signal.aborted) ends.push(`${name}: ${error.message}`);
    });
  };
  for (let from = 0; from < names.length; from += AT_ONCE)
    await Promise.all(names.slice(from, from + AT_ONCE).map((name, at) => open(name, from + at)));
  return { revisions, ends, messages: () => messages };
}

/** A subscriber of all events, which counts what it should have seen. */
export interface Subscriber {
  /** The newest number that came, and the first. */
  newest(): bigint;
  /** How many came. */
  count(): number;
  /** Numbers that were left out, or came twice. */
  readonly faults: readonly string[];
  /** How many power tasks of orders have ended, by their state. */
  readonly ended: ReadonlyMap<string, number>;
}

/** Subscribes to all events from a number on; whoever gets one after another without a gap has lost none. */
export function subscribe(from: bigint, address: string, signal: AbortSignal): Subscriber {
  const faults: string[] = [];
  const ended = new Map<string, number>();
  let [expected, count] = [from, 0];
  const listen = async (): Promise<void> => {
    const client = createClient(NotificationServiceDefinition, dial(address));
    for await (const { event } of client.subscribe({ fromSequence: from }, { signal })) {
      if (!event) continue;
      if (event.sequence !== expected) faults.push(`${event.sequence} came for ${expected}`);
      expected = event.sequence + 1n;
      count += 1;
      const kind = /^baremetal\.node\.power_set\.(end|error)$/.exec(event.eventType)?.[1];
      if (kind) ended.set(kind, (ended.get(kind) ?? 0) + 1);
    }
    throw new Error('it was ended without a reason');
  };
  listen().catch((error: Error) => {
    if (!signal.aborted) faults.push(error.message);
  });
  return { newest: () => expected - 1n, count: () => count, faults, ended };
}

/** A subscriber that reads one event and then none. */
export interface Unread {
  /** Reads what is there, and answers how the stream ended; null if it did not end in time. */
  readOn(limitMs: number, signal: AbortSignal): Promise<string | null>;
}

/** Subscribes on a connection of its own. Resolves when the first event has come. */
export async function subscribeUnread(address: string, signal: AbortSignal): Promise<Unread> {
  const client = createClient(NotificationServiceDefinition, dial(address));
  const stream = client.subscribe({ fromSequence: 0n }, { signal })[Symbol.asyncIterator]();
  await stream.next();
  return {
    async readOn(limitMs, limitSignal) {
      const late = sleep(limitMs, systemClock, limitSignal).then(() => null);
      return Promise.race([endOf(stream), late]);
    },
  };
}

async function endOf(stream: AsyncIterator<SubscribeResponse>): Promise<string> {
  let read = 0;
  try {
    while (!(await stream.next()).done) read += 1;
    return `without a reason after ${read} events`;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return `${Status[error.code]} after ${read} more events: ${error.details}`;
  }
}

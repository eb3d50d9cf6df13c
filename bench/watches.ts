/**
 * What does it cost to watch nodes? Streams that each watch one node of a fleet are opened, then nodes change one after
 * the other. Beside them GetNode is called, as any other client does. The size grows from a tenth to the whole, so that a
 * cost that follows the fleet and not the stream would show.
 */
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation } from '../src/core/signals.ts';
import { NodeServiceDefinition } from '../src/gen/countermand/v1/node.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { memoryOf } from './rpcs/probe.ts';

const SIZES = [1_000, 10_000];
const CHANGES = 100;
/** Streams over one connection. */
const PER_CONNECTION = 1_000;
const AT_ONCE = 200;

/** A table. */
export async function watches(signal: AbortSignal): Promise<string> {
  const lines = [
    '| nodes and streams | all opened | memory a stream | change to watcher, median | slowest | GetNode meanwhile, slowest |',
    '|---|---|---|---|---|---|',
  ];
  for (const size of SIZES)
    lines.push(await withFleet(['--sync-power-state-interval', '0'], (fleet) => measure(size, fleet), signal));
  return lines.join('\n');
}

async function measure(size: number, fleet: Fleet): Promise<string> {
  const names = Array.from({ length: size }, (_, at) => `n${at}`);
  await inPortions(names, (name) =>
    fleet.conductor.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } }),
  );
  const cancellation = openCancellation([fleet.signal]);
  const heard = new Map<string, (at: number) => void>();
  const before = await memoryOf(fleet.pid);
  const startedAt = systemClock.monotonic();
  const channels = Array.from({ length: Math.ceil(size / PER_CONNECTION) }, () =>
    createChannel(fleet.address, ChannelCredentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  await inPortions(names, (name, at) => {
    const client = createClient(NodeServiceDefinition, channels[at % channels.length] as (typeof channels)[number]);
    return openWatch(client.watchNodes({ nodes: [name] }, { signal: cancellation.signal }), name, heard);
  });
  const openedMs = systemClock.monotonic() - startedAt;
  const perStreamKb = (1024 * ((await memoryOf(fleet.pid)) - before)) / size;
  const { changes, calls } = await changeSome(names, heard, fleet);
  cancellation.abort(fail('CALL_ENDED', 'measured'));
  for (const channel of channels) channel.close();
  const sorted = changes.sort((one, other) => one - other);
  const figures = [openedMs, sorted[Math.floor(sorted.length / 2)] ?? 0, sorted.at(-1) ?? 0, Math.max(...calls)];
  const [opened, median, slowest, call] = figures.map((ms) => `${ms.toFixed(1)} ms`);
  return `| ${size} | ${opened} | ${perStreamKb.toFixed(1)} KB | ${median} | ${slowest} | ${call} |`;
}

/** Resolves when the present state has come. */
async function openWatch(
  stream: AsyncIterable<unknown>,
  name: string,
  heard: Map<string, (at: number) => void>,
): Promise<void> {
  const messages = stream[Symbol.asyncIterator]();
  await messages.next();
  const listen = async (): Promise<void> => {
    while (!(await messages.next()).done) heard.get(name)?.(systemClock.monotonic());
  };
  listen().catch(() => {});
}

async function changeSome(names: readonly string[], heard: Map<string, (at: number) => void>, fleet: Fleet) {
  const { nodes } = fleet.conductor;
  const changes: number[] = [];
  const calls: number[] = [];
  for (let at = 0; at < CHANGES; at += 1) {
    const name = names[Math.floor((at * names.length) / CHANGES)] as string;
    const startedAt = systemClock.monotonic();
    const told = new Promise<number>((resolve) => heard.set(name, resolve));
    const call = nodes
      .getNode({ node: names[at] as string })
      .then(() => calls.push(systemClock.monotonic() - startedAt));
    await nodes.updateNode({ node: name, setLabels: { round: String(at) } });
    changes.push((await told) - startedAt);
    await call;
  }
  return { changes, calls };
}

async function inPortions(
  names: readonly string[],
  work: (name: string, at: number) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE)
    await Promise.all(names.slice(from, from + AT_ONCE).map((name, at) => work(name, from + at)));
}

/**
 * Does anything grow while a conductor works? Each node of a fleet is watched by a stream of its own, power orders come at a steady pace,
 * plans are cancelled one after the other, subscribers of all events count what they get, and some never read. What the conductor
 * holds is written down as a series; after a warm-up, the last third must be as the first. SOAK_STREAMS, SOAK_ORDERS (per second) and
 * SOAK_MINUTES make it shorter; a line is written for each SOAK_LINE seconds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation, sleep } from '../src/core/signals.ts';
import { grid, quantile } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { type Cancels, cancelPlans, giveOrders, type Orders } from './soak/load.ts';
import { readSamples, type Sample, seriesOf, verdictsOf, verdictTable } from './soak/series.ts';
import { type NodeWatches, type Subscriber, subscribe, subscribeUnread, watchEach } from './soak/watchers.ts';

const PROBE = new URL('./soak/probe.mjs', import.meta.url);
const SUBSCRIBERS = 5;
const PLAN_NODES = 20;
const AT_ONCE = 100;
/** How long it may take after the last order until all is told. A slow computer is given time. */
const SETTLE_MS = 120_000;
const LOOK_MS = 500;

interface Size {
  readonly streams: number;
  readonly perSecond: number;
  readonly ms: number;
  readonly lineMs: number;
  /** A client that reads nothing for this time is cut off. */
  readonly readTimeoutMs: number;
}

/** The result of a run. */
interface Outcome {
  readonly size: Size;
  readonly samples: readonly Sample[];
  readonly orders: Orders;
  readonly cancels: Cancels;
  readonly watches: NodeWatches;
  /** Nodes whose last state was not told by their stream. */
  readonly stale: readonly string[];
  readonly subscribers: readonly Subscriber[];
  /** The number of the newest event. */
  readonly newest: bigint;
  /** How the two ended that did not read: one that read again later, and one that did not. */
  readonly unread: readonly (string | null)[];
}

/** Tables. */
export async function soak(signal: AbortSignal): Promise<string> {
  const size = sizeFrom(process.env);
  const folder = await mkdtemp(join(tmpdir(), 'countermand-soak-'));
  try {
    const file = join(folder, 'series');
    const variables = {
      NODE_OPTIONS: `--import ${PROBE.href}`,
      SOAK_PROBE: file,
      SOAK_LINE_MS: String(size.lineMs),
    };
    const flags = [
      ...['--sync-power-state-interval', '0', '--recall-confirm', '0', '--identity-streams', '20000'],
      ...['--stream-read-timeout', String(size.readTimeoutMs / 1000)],
    ];
    return textOf(await withFleet(flags, (fleet) => run(size, file, fleet), signal, { variables }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function sizeFrom(environment: NodeJS.ProcessEnv): Size {
  const figure = (name: string, fallback: number): number => Number(environment[name] ?? fallback);
  const ms = figure('SOAK_MINUTES', 10) * 60_000;
  return {
    streams: figure('SOAK_STREAMS', 10_000),
    perSecond: figure('SOAK_ORDERS', 200),
    ms,
    lineMs: figure('SOAK_LINE', 30) * 1000,
    readTimeoutMs: Math.min(60_000, Math.ceil(ms / 5000) * 1000),
  };
}

async function run(size: Size, file: string, fleet: Fleet): Promise<Outcome> {
  const cancellation = openCancellation([fleet.signal]);
  try {
    const nodes = Array.from({ length: size.streams }, (_, at) => `n${at}`);
    await enrol(nodes, {}, fleet);
    const planNodes = Array.from({ length: PLAN_NODES }, (_, at) => `plan${at}`);
    await enrol(planNodes, { fake_soft_ms: 'never' }, fleet);
    const watches = await watchEach(nodes, fleet.address, cancellation.signal);
    const from = (await fleet.conductor.notifications.getNewestSequence({})).newestSequence + 1n;
    const subscribers = Array.from({ length: SUBSCRIBERS }, () => subscribe(from, fleet.address, cancellation.signal));
    const [again, never] = [
      await subscribeUnread(fleet.address, cancellation.signal),
      await subscribeUnread(fleet.address, cancellation.signal),
    ];
    const before = (await readSamples(file)).length;
    // Between the moment when it is ended and that when what waits for it is dropped.
    const readAgain = sleep(size.readTimeoutMs * 1.6, systemClock, fleet.signal).then(() =>
      again.readOn(SETTLE_MS, fleet.signal),
    );
    const [orders, cancels, readLater] = await Promise.all([
      giveOrders(nodes, size.perSecond, size, fleet),
      cancelPlans(planNodes, size, fleet),
      readAgain,
    ]);
    const samples = (await readSamples(file)).slice(before);
    const { newest, stale } = await settle(watches, subscribers, fleet);
    const unread = [readLater, await never.readOn(SETTLE_MS, fleet.signal)];
    return { size, samples, orders, cancels, watches, stale, subscribers, newest, unread };
  } finally {
    cancellation.abort(fail('CALL_ENDED', 'measured'));
  }
}

async function enrol(names: readonly string[], settings: Record<string, string>, { conductor }: Fleet): Promise<void> {
  for (let from = 0; from < names.length; from += AT_ONCE)
    await Promise.all(
      names
        .slice(from, from + AT_ONCE)
        .map((name) =>
          conductor.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name, ...settings } }),
        ),
    );
}

/** Waits until everything that has happened was told to everyone, or for the limit. */
async function settle(watches: NodeWatches, subscribers: readonly Subscriber[], fleet: Fleet) {
  const until = systemClock.monotonic() + SETTLE_MS;
  for (;;) {
    const newest = (await fleet.conductor.notifications.getNewestSequence({})).newestSequence;
    const stale = await staleOf(watches, fleet);
    const { tasks } = await fleet.conductor.power.listPowerTasks({ unsettled: true, pageSize: 1 });
    const isTold = subscribers.every((subscriber) => subscriber.newest() === newest);
    if ((tasks.length === 0 && stale.length === 0 && isTold) || systemClock.monotonic() > until)
      return { newest, stale };
    await sleep(LOOK_MS, systemClock, fleet.signal);
  }
}

async function staleOf({ revisions }: NodeWatches, { conductor }: Fleet): Promise<string[]> {
  const stale: string[] = [];
  for (let pageToken = ''; ; ) {
    const { nodes, nextPageToken } = await conductor.nodes.listNodes({ pageSize: 1000, pageToken });
    for (const { name, revision } of nodes)
      if (revisions.has(name) && revisions.get(name) !== revision) stale.push(name);
    if (nextPageToken === '') return stale;
    pageToken = nextPageToken;
  }
}

function textOf(outcome: Outcome): string {
  const { samples, size } = outcome;
  return [seriesOf(samples, size.lineMs), verdictTable(verdictsOf(samples)), countsOf(outcome)].join('\n\n');
}

function countsOf({ size, orders, cancels, watches, stale, subscribers, newest, unread }: Outcome): string {
  const [later, never] = unread.map((end) => end ?? 'not ended');
  const refused = [...orders.refused].map(
    ([code, { count, sentence }]) => `${count} x ${code}, as: ${sentence.slice(0, 80)}`,
  );
  const lost = subscribers.filter((subscriber) => subscriber.newest() !== newest).length;
  const faults = subscribers.flatMap((subscriber) => subscriber.faults);
  const [ended, failed] = ['end', 'error'].map((kind) => subscribers[0]?.ended.get(kind) ?? 0);
  const perSecond = ((orders.accepted * 1000) / size.ms).toFixed(1);
  const ms = (share: number): string => `${quantile(cancels.times, share).toFixed(0)} ms`;
  return grid(
    ['what', 'found'],
    [
      ['orders accepted', `${orders.accepted}, ${perSecond} per second`],
      ['orders not given, as too many were unanswered', String(orders.missed)],
      ['orders refused', refused.length === 0 ? '0' : refused.join('; ')],
      ['power tasks of orders and plans that ended well, and that failed or were aborted', `${ended} and ${failed}`],
      ['plans cancelled; median, longest', `${cancels.times.length}; ${ms(0.5)}, ${ms(1)}`],
      ['plans that ended in another state than CANCELLED', String(cancels.others.length)],
      ['messages over the streams of nodes', String(watches.messages())],
      ['streams of nodes that have ended', [watches.ends.length, ...watches.ends.slice(0, 3)].join('; ')],
      ['streams that did not tell the last state of their node', String(stale.length)],
      ['events that each subscriber got', subscribers.map((subscriber) => subscriber.count()).join(', ')],
      ['subscribers without the newest event; gaps and doubles', `${lost}; ${faults.length}`],
      ['the subscriber that read nothing, and then read on', later ?? ''],
      ['the subscriber that read nothing', never ?? ''],
    ],
  );
}

/** What is counted when the metrics are asked for: what there is now, as the database and the agents say. */
import type { Attachment, Attachments } from '../agents/attachments.ts';
import type { FollowedCloud } from '../clouds/clouds.ts';
import type { Courier } from '../sinks/courier.ts';
import { listAgents } from '../store/agents.ts';
import { countNodes, countPlans, countProblems, countQueued, countTasks } from '../store/census.ts';
import { lastSequence, timeOfNext } from '../store/events.ts';
import type { EventRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { gaugeClouds } from './clouds.ts';
import type { Labels, MetricRegistry } from './registry.ts';

/** At most this many zones have series of their own. The smallest are counted together, as the zone `(others)`. */
const ZONES = 100;
const OTHERS = '(others)';

/** Who follows the events. */
interface Subscribers {
  /** The event that the one who is furthest behind takes next; null if none is behind. */
  readonly oldest: Pick<EventRow, 'sequence' | 'timestamp'> | null;
}

/** What is looked at. */
interface Fleet {
  readonly store: Store;
  readonly attachments: Attachments;
  readonly sinks: { list(): readonly Courier[] };
  readonly followed: { list(): readonly FollowedCloud[] };
  readonly tail: Subscribers;
}

/** Brings the gauges up to date. Its cost grows with the fleet as that of `status`. */
export async function gaugeFleet(
  { store, attachments, sinks, followed, tail }: Fleet,
  registry: MetricRegistry,
): Promise<void> {
  const { database, clock } = store;
  const { read } = database;
  const nodes = await countNodes(read);
  const zoneOf = knownZones(nodes);
  registry.set('countermand_disk_full', [[{}, Number(database.isFull)]]);
  registry.set(
    'countermand_nodes',
    nodes.map(({ zone, driver, powerState, unreadable, nodes: count }) => [
      { zone: zoneOf(zone), driver, power_state: unreadable ? 'unreadable' : (powerState ?? 'unknown') },
      count,
    ]),
  );
  registry.set(
    'countermand_nodes_with_problem',
    (await countProblems(read)).map(({ driver, code, nodes: count }) => [{ driver, code }, count]),
  );
  const byZone = (counts: readonly (readonly [zone: string, count: number])[]): [Labels, number][] =>
    counts.map(([zone, count]) => [{ zone: zoneOf(zone) }, count]);
  registry.set('countermand_nodes_held', byZone(nodes.map(({ zone, held }) => [zone, held])));
  registry.set('countermand_nodes_maintenance', byZone(nodes.map(({ zone, maintenance }) => [zone, maintenance])));

  const attached = attachments.list();
  const known = await listAgents(read);
  registry.set('countermand_agents', [
    [{ state: 'attached' }, attached.length],
    [{ state: 'lost' }, known.filter(({ uuid }) => !attachments.isAttached(uuid)).length],
  ]);
  registry.set('countermand_bmc_sessions', sessionsByDriver(attached));
  const zones = new Set(nodes.map(({ zone }) => zone));
  const serving = (zone: string): number => attached.filter(({ hello }) => hello.zones.includes(zone)).length;
  registry.set('countermand_zone_agents', byZone([...zones].map((zone) => [zone, serving(zone)])));

  registry.set(
    'countermand_power_tasks',
    [...(await countTasks(read))].map(([state, count]) => [{ state }, count]),
  );
  const queued = await countQueued(read);
  const now = clock.now();
  registry.set('countermand_queue_depth', byZone(queued.map(({ zone, tasks }) => [zone, tasks])));
  const ages = new Map<string, number>();
  for (const { zone, oldestAt } of queued)
    ages.set(zoneOf(zone), Math.max(ages.get(zoneOf(zone)) ?? 0, (now - oldestAt) / 1000));
  registry.set(
    'countermand_queue_age_seconds',
    [...ages].map(([zone, age]) => [{ zone }, age]),
  );

  const plans = await countPlans(['PENDING', 'ONGOING', 'CANCELLING'], read);
  registry.set(
    'countermand_action_plans',
    [...plans].map(([state, count]) => [{ state }, count]),
  );
  registry.set('countermand_database_bytes', [[{}, await database.bytes()]]);
  const newest = await lastSequence(read);
  registry.set('countermand_events_total', [[{}, newest]]);
  gaugeSubscribers(tail, newest, clock.now(), registry);
  await gaugeSinks(sinks.list(), newest, store, registry);
  gaugeClouds(followed.list(), clock, registry);
}

/** The sessions of drivers that an agent has told of when it attached: others would be labels of its own choice. */
function sessionsByDriver(attached: readonly Pick<Attachment, 'hello' | 'sessions'>[]): [Labels, number][] {
  const counts = new Map<string, number>();
  for (const { hello, sessions } of attached)
    for (const { driver, open } of sessions)
      if (hello.drivers.some(({ name }) => name === driver))
        counts.set(driver, (counts.get(driver) ?? 0) + Math.max(0, open));
  return [...counts].map(([driver, open]) => [{ driver }, open]);
}

/** Subscribers have no names, and may be thousands: the one that is furthest behind stands for all. */
function gaugeSubscribers({ oldest }: Subscribers, newest: number, now: number, registry: MetricRegistry): void {
  registry.set('countermand_subscriber_lag_events', [[{}, oldest ? Math.max(0, newest - oldest.sequence + 1) : 0]]);
  registry.set('countermand_subscriber_lag_seconds', [[{}, oldest ? Math.max(0, now - oldest.timestamp) / 1000 : 0]]);
}

async function gaugeSinks(
  couriers: readonly Courier[],
  newest: number,
  { database, clock }: Store,
  registry: MetricRegistry,
): Promise<void> {
  const waits = await Promise.all(couriers.map(({ position }) => timeOfNext(position, database.read)));
  const now = clock.now();
  const each = (value: (courier: Courier, at: number) => number): [Labels, number][] =>
    couriers.map((courier, at) => [{ sink: courier.row.name }, value(courier, at)]);
  registry.set(
    'countermand_sink_lag_events',
    each(({ position }) => Math.max(0, newest - position)),
  );
  registry.set(
    'countermand_sink_lag_seconds',
    each((_, at) => Math.max(0, now - (waits[at] ?? now)) / 1000),
  );
  registry.set(
    'countermand_sink_failing',
    each(({ failing, offReason }) => Number(failing !== null || offReason !== null)),
  );
  registry.set(
    'countermand_sink_delivered_total',
    each(({ delivered }) => delivered),
  );
}

/** The zone of a label: the zones with most nodes have their own. */
function knownZones(nodes: readonly { readonly zone: string; readonly nodes: number }[]): (zone: string) => string {
  const sizes = new Map<string, number>();
  for (const { zone, nodes: count } of nodes) sizes.set(zone, (sizes.get(zone) ?? 0) + count);
  const largest = [...sizes].sort(([, one], [, other]) => other - one).slice(0, ZONES);
  const known = new Set(largest.map(([zone]) => zone));
  return (zone) => (known.has(zone) ? zone : OTHERS);
}

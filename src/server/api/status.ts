/** How a conductor stands: what it serves, who serves it, and what needs an operator. */

import { VERSION } from '../../core/version.ts';
import type { Agent, Driver, GetStatusResponse, NodeCounts, Zone } from '../../gen/countermand/v1/conductor.ts';
import { type Sink, SinkState } from '../../gen/countermand/v1/notification.ts';
import type { PowerTarget } from '../../gen/countermand/v1/power.ts';
import type { Attachment } from '../agents/attachments.ts';
import { toTarget } from '../agents/wire.ts';
import type { Conductor } from '../conductor.ts';
import { listAgents } from '../store/agents.ts';
import type { NodeCount } from '../store/census.ts';
import { readConductors } from '../store/conductors.ts';
import { listDrivers } from '../store/drivers.ts';
import { databaseId } from '../store/events.ts';
import type { DriverRow } from '../store/rows.ts';
import { problemsOfCloud, toCloudStatus } from './clouds.ts';
import { countSeenNodes, countSeenPlans, countSeenTasks } from './seen_counts.ts';
import { toSink } from './sinks.ts';
import type { View } from './view.ts';
import { date } from './wire.ts';

/** At most this many sentences name what needs an operator. */
const SENTENCES = 20;

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();
const totalOf = (counts: readonly NodeCount[]): number => counts.reduce((total, { nodes }) => total + nodes, 0);
const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name);

/**
 * The attached agents, and those that were lost, by name.
 * @param view of the caller, who is told of agents that serve a zone with a node that it sees; absent: of all
 */
export async function agentsOf({ attachments, orders }: Conductor, view?: View): Promise<Agent[]> {
  if (view?.filter !== undefined) {
    const zones = new Set((await countSeenNodes(view, orders.store.database.read)).map(({ zone }) => zone));
    return attachments
      .list()
      .map(toAgent)
      .map((agent) => ({ ...agent, zones: agent.zones.filter((zone) => zones.has(zone)) }))
      .filter((agent) => agent.zones.length > 0)
      .sort(byName);
  }
  const attached = attachments.list().map(toAgent);
  const lost = (await listAgents(orders.store.database.read)).filter(({ uuid }) => !attachments.isAttached(uuid));
  const gone = lost.map(
    ({ uuid, name, embedded, attachedAt }): Agent => ({
      uuid,
      name,
      attached: false,
      attachedAt: date(attachedAt),
      embedded,
      zones: [],
      drivers: [],
    }),
  );
  return [...attached, ...gone].sort(byName);
}

function toAgent({ hello, attachedAt }: Attachment): Agent {
  const { agentUuid: uuid, name, embedded, zones, drivers } = hello;
  const offered = sorted(drivers.map((driver) => driver.name));
  return { uuid, name, attached: true, attachedAt: date(attachedAt), embedded, zones: sorted(zones), drivers: offered };
}

/**
 * The zones that have a node or an attached agent, by name.
 * @param view of the caller, who is told of zones with a node that it sees; absent: of all
 */
export async function zonesOf({ attachments, orders }: Conductor, view?: View): Promise<Zone[]> {
  const nodes = Map.groupBy(await countSeenNodes(view, orders.store.database.read), ({ zone }) => zone);
  const attached = attachments.list().map(({ hello }) => hello);
  const served = view?.filter === undefined ? attached.flatMap(({ zones }) => zones) : [];
  const names = sorted([...nodes.keys(), ...served]);
  return names.map((name) => {
    const reaching = attached.filter(({ zones }) => zones.includes(name));
    return {
      name,
      nodes: totalOf(nodes.get(name) ?? []),
      agents: sorted(reaching.map((hello) => hello.name)),
      drivers: sorted(reaching.flatMap(({ drivers }) => drivers.map((driver) => driver.name))),
    };
  });
}

/**
 * The drivers that a node has or an attached agent offers, by name.
 * @param view of the caller, who is told of agents as by `agentsOf`; absent: of all
 */
export async function driversOf({ attachments, orders }: Conductor, view?: View): Promise<Driver[]> {
  const counts = await countSeenNodes(view, orders.store.database.read);
  const nodes = Map.groupBy(counts, ({ driver }) => driver);
  const zones = new Set(counts.map(({ zone }) => zone));
  const isTold = (zone: string): boolean => view?.filter === undefined || zones.has(zone);
  const hellos = attachments.list().map(({ hello }) => ({ ...hello, zones: hello.zones.filter(isTold) }));
  const offers = hellos
    .filter((hello) => hello.zones.length > 0)
    .flatMap((hello) => hello.drivers.map((driver) => ({ driver, hello })));
  const names = sorted([...nodes.keys(), ...offers.map(({ driver }) => driver.name)]);
  const stored = Map.groupBy(await listDrivers(orders.store.database.read), ({ name }) => name);
  return names.map((name) => {
    const own = offers.filter(({ driver }) => driver.name === name);
    const said = stored.get(name) ?? [];
    // While no agent offers it, what the last ones said of it is what is known.
    const known = own.length > 0 ? own.map(({ driver }) => driver) : said.map(toOffer);
    const distinct = (targets: readonly PowerTarget[]): PowerTarget[] => [...new Set(targets)].sort((a, b) => a - b);
    return {
      name,
      nodes: totalOf(nodes.get(name) ?? []),
      zones: sorted(own.flatMap(({ hello }) => hello.zones)),
      targets: distinct(known.flatMap(({ targets }) => targets)),
      recalls: distinct(known.flatMap(({ recalls }) => recalls)),
      agents: sorted(own.map(({ hello }) => hello.name)),
      driverInfoSchema: said[0] && { ...said[0].infoSchema },
    };
  });
}

const toOffer = ({ targets, recalls }: DriverRow) => ({
  targets: targets.map(toTarget),
  recalls: recalls.map(toTarget),
});

/** The counts of a conductor, and what needs an operator. @param view of the caller, for whom what it sees is counted; absent: all */
export async function statusOf(conductor: Conductor, view?: View): Promise<GetStatusResponse> {
  const { database } = conductor.orders.store;
  const counts = await countSeenNodes(view, database.read);
  const plans = await countSeenPlans(['PENDING', 'ONGOING', 'CANCELLING'], view, database.read);
  const agents = await agentsOf(conductor, view);
  const attached = agents.filter((agent) => agent.attached);
  const sinks = await seenSinks(conductor, view);
  const clouds = view?.filter === undefined ? conductor.followed.list() : [];
  return {
    version: VERSION,
    startedAt: date(conductor.startedAt),
    databaseId: await databaseId(database.read),
    databaseBytes: BigInt(await database.bytes()),
    diskFull: database.isFull,
    nodes: countsOf(counts),
    unsettledPowerTasks: await countSeenTasks(view, database.read),
    pendingActionPlans: plans.get('PENDING') ?? 0,
    ongoingActionPlans: plans.get('ONGOING') ?? 0,
    cancellingActionPlans: plans.get('CANCELLING') ?? 0,
    attachedAgents: attached.length,
    lostAgents: agents.length - attached.length,
    problems: [
      ...(await absentConductors(database.read)),
      ...problemsOf(counts, agents, conductor),
      ...sinks.flatMap(problemOfSink),
      ...clouds.flatMap(problemsOfCloud),
    ],
    ...(await conductorsOf(database.read)),
    sinks,
    freezes: view?.filter === undefined ? conductor.orders.freezes.list().length : 0,
    clouds: clouds.map(toCloudStatus),
  };
}

/** The sinks without their settings, for callers who may see sinks. */
async function seenSinks(conductor: Conductor, view?: View): Promise<Sink[]> {
  if (view !== undefined && !view.rights.everywhere('sink.read')) return [];
  const all = await Promise.all(conductor.sinks.list().map((courier) => toSink(courier, conductor)));
  return all.map((sink) => ({ ...sink, settings: {} }));
}

function problemOfSink({ name, state, lag, problem }: Sink): string[] {
  if (state === SinkState.ON) return problem === '' ? [] : [`sink ${name}: ${problem}`];
  return [
    `sink ${name} is ${state === SinkState.OFF ? 'off' : 'behind'}, ${plural(Number(lag), 'event')} wait: ${problem}`,
  ];
}

type Sql = Conductor['store']['database']['read'];

/** A conductor that was last seen this long before the most recent one is not listed as there. */
const PRESENT_MS = 10_000;

async function conductorsOf(sql: Sql): Promise<Pick<GetStatusResponse, 'conductors' | 'epoch' | 'electedAt'>> {
  const { conductors, leader } = await readConductors(sql);
  const newest = Math.max(...conductors.map(({ lastSeen }) => lastSeen));
  const all = conductors.map(({ uuid, address, httpAddress, version, startedAt, lastSeen }) => ({
    ...{ uuid, address, httpAddress: httpAddress ?? '', version },
    leads: uuid === leader?.uuid,
    present: newest - lastSeen <= PRESENT_MS,
    startedAt: date(startedAt),
    lastSeen: date(lastSeen),
  }));
  return {
    conductors: all,
    epoch: leader?.epoch ?? 0,
    electedAt: leader === null ? undefined : date(leader.electedAt),
  };
}

async function absentConductors(sql: Sql): Promise<string[]> {
  const { conductors = [] } = await conductorsOf(sql);
  return conductors.filter(({ present }) => !present).map(({ address }) => `conductor ${address} is not there`);
}

function countsOf(counts: readonly NodeCount[]): NodeCounts {
  const readable = counts.filter(({ unreadable }) => !unreadable);
  const are = (state: NodeCount['powerState']): number =>
    totalOf(readable.filter(({ powerState }) => powerState === state));
  return {
    total: totalOf(counts),
    on: are('power on'),
    off: are('power off'),
    error: are('error'),
    unknown: are(null),
    unreadable: totalOf(counts.filter(({ unreadable }) => unreadable)),
    held: counts.reduce((total, { held }) => total + held, 0),
    maintenance: counts.reduce((total, { maintenance }) => total + maintenance, 0),
  };
}

/** What needs an operator, in sentences. */
function problemsOf(counts: readonly NodeCount[], agents: readonly Agent[], conductor: Conductor): string[] {
  const { isFull, disk } = conductor.orders.store.database;
  const full = isFull ? [`${disk} is full: new work is refused`] : [];
  const kinds = [...Map.groupBy(counts, ({ zone, driver }) => JSON.stringify([zone, driver])).values()];
  const unserved = kinds.flatMap((alike) => {
    const [{ zone, driver }] = alike as [NodeCount];
    if (conductor.attachments.anyWith(zone, driver) !== null) return [];
    const without = `no agent with driver ${driver} is attached for zone ${zone}`;
    return [`${without}: ${plural(totalOf(alike), 'node')} can be neither read nor ordered`];
  });
  const unreadable = totalOf(counts.filter((count) => count.unreadable));
  const unread = unreadable > 0 ? [`${plural(unreadable, 'node')} cannot be read`] : [];
  const lost = agents.filter(({ attached }) => !attached).map(({ name }) => `agent ${name} was lost`);
  const all = [...full, ...unserved, ...unread, ...lost];
  return all.length > SENTENCES ? [...all.slice(0, SENTENCES), `and ${all.length - SENTENCES} more`] : all;
}

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

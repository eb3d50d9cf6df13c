/**
 * What agents have said of their drivers. Each agent speaks for itself: what one says changes nothing of what another has
 * said. A key of driver_info that any agent has ever marked as secret stays secret as long as a node has it.
 */
import type { Knex } from 'knex';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { type DriverRow, driverCodec, type KnownDriver, type NodeRow } from './rows.ts';
import { decodeNode } from './sealing.ts';

/** The agent of what is left of agents that have gone: the last description of a driver in a zone. */
const GONE = '';

function knownDriver(name: string, rows: readonly DriverRow[]): KnownDriver {
  const order = ({ agentUuid, since }: DriverRow): number => (agentUuid === GONE ? Number.POSITIVE_INFINITY : since);
  const sorted = rows.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
  const secretKeys = new Set(rows.flatMap((row) => row.secretKeys));
  return { name, rows, byZone: Map.groupBy(sorted, ({ zone }) => zone), secretKeys };
}

async function know(name: string, sql: Knex): Promise<KnownDriver> {
  const kept = keptBehind(sql).driver(name);
  return kept ?? knownDriver(name, (await sql('drivers').where({ name })).map(driverCodec.decode));
}

/** What a node's driver can do, as its own agent says, or else the agent of its zone that has said it longest; or null. */
export async function findDriver(
  { zone, driver, agentUuid }: Pick<NodeRow, 'zone' | 'driver' | 'agentUuid'>,
  sql: Knex,
): Promise<DriverRow | null> {
  const said = (await know(driver, sql)).byZone.get(zone) ?? [];
  return said.find((row) => row.agentUuid === agentUuid) ?? said[0] ?? null;
}

/** The driver of each of these nodes, by the node's uuid; null for one that no agent has offered. */
export async function findDriversOf(nodes: readonly NodeRow[], sql: Knex): Promise<Map<string, DriverRow | null>> {
  const kinds = Map.groupBy(nodes, ({ zone, driver, agentUuid }) => `${zone} ${driver} ${agentUuid}`);
  const drivers = new Map<string, DriverRow | null>();
  for (const alike of kinds.values()) {
    const found = await findDriver(alike[0] as NodeRow, sql);
    for (const { uuid } of alike) drivers.set(uuid, found);
  }
  return drivers;
}

/** The keys of driver_info that are secret, because any agent of any zone has ever said so. */
export async function findSecretKeys(name: string, sql: Knex): Promise<ReadonlySet<string>> {
  return (await know(name, sql)).secretKeys;
}

/**
 * The keys of driver_info whose values are secrets and nothing else: an agent of the node's own zone marks them, and no agent of any
 * zone lists them without a mark. What any agent takes for a part of the way to a BMC is one, whatever the others say.
 */
export async function findPureSecretKeys(
  { zone, driver }: Pick<NodeRow, 'zone' | 'driver'>,
  sql: Knex,
): Promise<ReadonlySet<string>> {
  const { rows, byZone } = await know(driver, sql);
  // From the schemas: a row's own list of secret keys may carry what agents of other zones have marked.
  const listed = rows.map((row) => keysOfSchema(row.infoSchema));
  const ways = new Set(listed.flatMap(({ unmarked }) => unmarked));
  const own = (byZone.get(zone) ?? []).flatMap((row) => keysOfSchema(row.infoSchema).marked);
  return new Set(own.filter((key) => !ways.has(key)));
}

/** The keys that a JSON Schema of driver_info lists: those that it marks as secret, and the others. */
export function keysOfSchema({ properties }: DriverRow['infoSchema']): {
  readonly marked: string[];
  readonly unmarked: string[];
} {
  const said = (properties ?? {}) as Record<string, { writeOnly?: boolean } | null>;
  const { marked = [], unmarked = [] } = Object.groupBy(Object.keys(said), (key) =>
    said[key]?.writeOnly === true ? 'marked' : 'unmarked',
  );
  return { marked, unmarked };
}

/** The names of the drivers that agents of a zone have offered. */
export async function listDriverNames(zone: string, sql: Knex): Promise<string[]> {
  return (await sql('drivers').where({ zone }).orderBy('name').distinct('name')).map(({ name }) => name);
}

/**
 * What every agent says of its drivers, in the order of names and zones; of one driver in one zone, first the agent that has said it
 * for the longest time, and last what is left of those that have gone.
 */
export async function listDrivers(sql: Knex): Promise<DriverRow[]> {
  const rows: DriverRow[] = (await sql('drivers').orderBy(['name', 'zone'])).map(driverCodec.decode);
  const kinds = Map.groupBy(rows, ({ name }) => name);
  return [...kinds].flatMap(([name, said]) =>
    [...knownDriver(name, said).byZone].sort(byZone).flatMap(([, each]) => each),
  );
}

type OfZone = readonly [zone: string, rows: readonly DriverRow[]];
const byZone = ([one]: OfZone, [other]: OfZone): number => (one < other ? -1 : 1);

/** Writes what one agent says of its drivers, in place of what it said before. */
export async function saveDriversOf(
  agentUuid: string,
  said: readonly DriverRow[],
  transaction: Transaction,
): Promise<void> {
  const { sql } = transaction;
  const before = (await sql('drivers').where('agent_uuid', agentUuid).distinct('name')).map(({ name }) => name);
  const byName = Map.groupBy(said, ({ name }) => name);
  for (const name of new Set([...before, ...byName.keys()])) {
    const { rows } = await know(name, sql);
    const isOwn = (row: DriverRow): boolean => row.agentUuid === agentUuid;
    const sinceOf = (zone: string): number | undefined => rows.find((row) => isOwn(row) && row.zone === zone)?.since;
    // A zone that is named twice is one zone.
    const byZone = new Map((byName.get(name) ?? []).map((row) => [row.zone, row]));
    const own = [...byZone.values()].map((row) => ({ ...row, since: sinceOf(row.zone) ?? row.since }));
    await replace(name, rows.filter(isOwn), own, transaction);
  }
}

/** Forgets what agents have said. The last description of a driver that a node of its zone has stays. */
export async function forgetDriversOf(agentUuids: readonly string[], transaction: Transaction): Promise<void> {
  const { sql } = transaction;
  const gone = new Set(agentUuids);
  const names = await sql('drivers').whereIn('agent_uuid', agentUuids).distinct('name');
  for (const { name } of names) {
    const { rows } = await know(name, sql);
    const leaving = rows.filter(({ agentUuid }) => gone.has(agentUuid));
    const left = rows.filter(({ agentUuid }) => agentUuid === GONE);
    const speaking = rows.filter(({ agentUuid }) => agentUuid !== GONE && !gone.has(agentUuid));
    const after = await leftAfter(leaving, left, speaking, sql);
    await replace(name, [...leaving, ...left], after, transaction);
  }
}

/** What is left under no agent, when these leave and the others go on speaking. */
async function leftAfter(
  leaving: readonly DriverRow[],
  left: readonly DriverRow[],
  speaking: readonly DriverRow[],
  sql: Knex,
): Promise<DriverRow[]> {
  const [{ name }] = leaving as [DriverRow];
  const after = new Map(left.map((row) => [row.zone, row]));
  for (const row of leaving.toSorted((one, other) => other.since - one.since)) {
    // Nodes are looked for last, and the first one will do: a fleet has many.
    if (speaking.some(({ zone }) => zone === row.zone)) continue;
    if ((await sql('nodes').where({ zone: row.zone, driver: name }).first('uuid')) === undefined) continue;
    const secretKeys = [...new Set([...row.secretKeys, ...(after.get(row.zone)?.secretKeys ?? [])])];
    after.set(row.zone, { ...row, agentUuid: GONE, secretKeys });
  }
  const marked = new Set([...after.values(), ...speaking].flatMap(({ secretKeys }) => secretKeys));
  const unmarked = new Set(leaving.flatMap(({ secretKeys }) => secretKeys).filter((key) => !marked.has(key)));
  const kept = unmarked.size === 0 ? [] : (await keysInUse(name, sql)).filter((key) => unmarked.has(key));
  if (kept.length === 0) return [...after.values()];
  // Some description has to carry the marks: what stays anyway, or what another agent says.
  const carrier = after.values().next().value ?? speaking[0] ?? (leaving[0] as DriverRow);
  after.set(carrier.zone, { ...carrier, agentUuid: GONE, secretKeys: [...carrier.secretKeys, ...kept] });
  return [...after.values()];
}

/** The keys of driver_info that nodes of a driver have. */
async function keysInUse(name: string, sql: Knex): Promise<string[]> {
  const rows = await sql('nodes').where('driver', name).select('uuid', 'driver_info');
  return [...new Set(rows.flatMap((row) => Object.keys(decodeNode(row, sql).driverInfo)))];
}

async function replace(
  name: string,
  before: readonly DriverRow[],
  after: readonly DriverRow[],
  { sql, changed }: Transaction,
): Promise<void> {
  const { rows } = await know(name, sql);
  for (const { agentUuid, zone } of before) await sql('drivers').where({ name, zone, agent_uuid: agentUuid }).delete();
  for (const row of after) await sql('drivers').insert(driverCodec.encode(row));
  const isReplaced = (row: DriverRow): boolean =>
    before.some(({ agentUuid, zone }) => agentUuid === row.agentUuid && zone === row.zone);
  changed({ kind: 'driver', drivers: knownDriver(name, [...rows.filter((row) => !isReplaced(row)), ...after]) });
}

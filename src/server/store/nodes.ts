/**
 * The table of nodes. What follows from a change is done in `nodes/write.ts`. Others write fields from which nothing follows: the agent and
 * the fence of a node that is handed over, and the fences at the start on a backup.
 */
import type { Knex } from 'knex';
import { othersFirst } from '../../core/clock.ts';
import { type CountermandError, fail, failAt, failWith } from '../../core/errors.ts';
import { nextPortion } from '../../core/long_work.ts';
import { expandInPortions } from '../../core/ranges.ts';
import { isUuid } from '../../core/uuid.ts';
import { compareAndSet, NODES } from './compare_and_set.ts';
import type { Transaction } from './database.ts';
import { keptBehind } from './kept.ts';
import { filledUp, portionsOf, VALUES_AT_ONCE } from './portions.ts';
import { type NodeRow, nodeCodec, problemIs } from './rows.ts';
import { decodeNode, nodeCodecOf } from './sealing.ts';

/** A node by name or uuid, or null. */
export async function findNode(nameOrUuid: string, sql: Knex): Promise<NodeRow | null> {
  const known = keptBehind(sql).node(uuidsByName.get(nameOrUuid) ?? nameOrUuid);
  if (known && (known.uuid === nameOrUuid || known.name === nameOrUuid)) return known;
  // Two questions for one index each take less time than one for either.
  const byUuid = isUuid(nameOrUuid) && (await sql('nodes').where('uuid', nameOrUuid).first());
  const row = byUuid || (await sql('nodes').where('name', nameOrUuid).first());
  if (!row) return null;
  const node = decodeNode(row, sql);
  // A uuid means the node that has it, whatever another one is called.
  if (node.name === nameOrUuid && !isUuid(nameOrUuid)) rememberName(node);
  return node;
}

/** Which uuid a name meant when it was last looked up: a hint, which holds while the kept row of that node has the name. */
const uuidsByName = new Map<string, string>();
const NAMES_LIMIT = 100_000;

function rememberName({ name, uuid }: NodeRow): void {
  if (uuidsByName.size >= NAMES_LIMIT) uuidsByName.clear();
  uuidsByName.set(name, uuid);
}

/** Decodes what was read through `sql`. */
const decodedBy =
  (sql: Knex) =>
  (row: Record<string, unknown>): NodeRow =>
    decodeNode(row, sql);

/** A transaction holds what others wait for, so it does not queue behind other long work. */
const pause = (sql: Knex, signal?: AbortSignal): Promise<void> =>
  sql.isTransaction ? othersFirst() : nextPortion(signal);

/** The nodes with these uuids; those that do not exist are not there. */
export async function findNodesByUuid(uuids: readonly string[], sql: Knex): Promise<Map<string, NodeRow>> {
  const kept = keptBehind(sql);
  const found = new Map<string, NodeRow>();
  for (const node of uuids.map((uuid) => kept.node(uuid))) if (node) found.set(node.uuid, node);
  const others = uuids.filter((uuid) => !found.has(uuid));
  for (const part of portionsOf(others, VALUES_AT_ONCE)) {
    const rows = await sql('nodes').whereIn('uuid', filledUp(part));
    if (others.length > part.length) await pause(sql);
    for (const row of rows.map(decodedBy(sql))) found.set(row.uuid, row);
  }
  return found;
}

/** A node by name or uuid. @throws NODE_NOT_FOUND, ARGUMENT_INVALID if nothing is named */
export async function getNode(nameOrUuid: string, sql: Knex): Promise<NodeRow> {
  if (nameOrUuid === '') throw failAt('ARGUMENT_INVALID', 'node', 'no node is named; give its name or uuid');
  const node = await findNode(nameOrUuid, sql);
  if (!node) throw noNode(nameOrUuid);
  return node;
}

/** The error for a name that no node has. */
export function noNode(nameOrUuid: string): CountermandError {
  return failWith('NODE_NOT_FOUND', `there is no node '${nameOrUuid}'`, {
    resource: { type: 'node', name: nameOrUuid },
  });
}

/** How names are looked up. */
interface Resolving {
  /** Nodes that it says no to do not exist. */
  readonly sees?: (node: NodeRow) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The nodes that names, uuids and ranges mean, each once. An abort rejects with its reason.
 * @throws NODE_NOT_FOUND naming those that do not exist: half a range is never taken for the whole
 */
export async function resolveNodes(
  ranges: readonly string[],
  sql: Knex,
  { sees = () => true, signal }: Resolving = {},
): Promise<NodeRow[]> {
  if (ranges.length === 0)
    throw failAt('ARGUMENT_INVALID', 'nodes', "no node is named; give names, uuids or ranges such as 'r7n[1-16]'");
  const wanted = await expandInPortions(ranges, 'nodes', signal);
  const found = await findNodes(wanted, sql, signal);
  const missing = wanted.filter((name) => {
    const node = found.get(name);
    return node === undefined || !sees(node);
  });
  if (missing.length > 0)
    throw failWith('NODE_NOT_FOUND', `there is no node ${listBriefly(missing)}; nothing was done`, {
      resource: { type: 'node', name: missing[0] ?? '' },
    });
  return [...new Set(wanted.map((name) => found.get(name) as NodeRow))];
}

/** The nodes of these names and uuids, by both; those that do not exist are not there. An abort rejects with its reason. */
export async function findNodes(
  namesOrUuids: readonly string[],
  sql: Knex,
  signal?: AbortSignal,
): Promise<Map<string, NodeRow>> {
  const found = new Map<string, NodeRow>();
  for (const part of portionsOf(namesOrUuids, VALUES_AT_ONCE)) {
    const rows = await sql('nodes').whereIn('name', part).orWhereIn('uuid', part);
    // Many names are looked up for one client: others are served in between.
    if (namesOrUuids.length > part.length) await pause(sql, signal);
    for (const row of rows.map(decodedBy(sql))) found.set(row.name, row).set(row.uuid, row);
  }
  return found;
}

/** Names in quotes; of many, the first few and how many more there are. */
export function listBriefly(names: string[]): string {
  const shown = names.slice(0, 5).map((name) => `'${name}'`);
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ');
}

/** This many rows of the whole table are read at a time. */
const FLEET_AT_ONCE = 500;

/**
 * Every node, in the order of names. Others are served between the pages, so a node can change meanwhile. Not for a transaction: it would
 * last as long as the fleet is large (`plans/nodes_as_of.ts`).
 * @throws INTERNAL in a transaction
 */
export async function listAllNodes(sql: Knex): Promise<NodeRow[]> {
  if (sql.isTransaction) throw fail('INTERNAL', 'a transaction must not read every node; read them before it');
  const nodes: NodeRow[] = [];
  // By uuid, which a node keeps: one that is renamed between two pages would be missed, or found twice, in the order of names.
  for (let after = ''; ; after = nodes.at(-1)?.uuid ?? '') {
    const query = sql('nodes').orderBy('uuid').limit(FLEET_AT_ONCE);
    const rows = (await (after === '' ? query : query.where('uuid', '>', after))).map(decodedBy(sql));
    nodes.push(...rows);
    if (rows.length < FLEET_AT_ONCE) return nodes.sort(byName);
    await nextPortion();
  }
}

/** Orders nodes by name. */
export const byName = (one: Pick<NodeRow, 'name'>, other: Pick<NodeRow, 'name'>): number =>
  one.name < other.name ? -1 : one.name > other.name ? 1 : 0;

/** Which nodes to list. */
interface NodeFilter {
  readonly zone: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only nodes that cannot be read. */
  readonly withProblem?: boolean;
  readonly maintenance?: boolean | undefined;
  /** In the reverse order of names. */
  readonly descending?: boolean;
  /** Only nodes for which it is true; absent: all. */
  readonly sees?: ((node: NodeRow) => boolean) | undefined;
}

/** Labels, and what a caller may see, are looked at row by row: this many rows are read at a time, however few nodes are asked for. */
const LOOKED_AT_ONCE = 500;

/**
 * At most `limit` nodes after `afterName` in the order of names; empty is the beginning. While labels are looked for, others are
 * served in between. An abort rejects with its reason.
 */
export async function listNodes(
  filter: NodeFilter,
  afterName: string,
  limit: number,
  sql: Knex,
  signal?: AbortSignal,
): Promise<NodeRow[]> {
  const nodes: NodeRow[] = [];
  const { sees = () => true } = filter;
  const rowByRow = filter.sees !== undefined || Object.keys(filter.labels).length > 0;
  const atOnce = rowByRow ? LOOKED_AT_ONCE : limit;
  let after = afterName;
  for (;;) {
    const query = sql('nodes')
      .orderBy('name', filter.descending ? 'desc' : 'asc')
      .limit(atOnce);
    if (after !== '') query.where('name', filter.descending ? '<' : '>', after);
    if (filter.maintenance !== undefined) query.where('maintenance', filter.maintenance ? 1 : 0);
    if (filter.zone) query.where('zone', filter.zone);
    if (filter.driver) query.where('driver', filter.driver);
    if (filter.withProblem) query.whereNotNull('problem');
    const rows: NodeRow[] = (await query).map(decodedBy(sql));
    nodes.push(...rows.filter((row) => hasLabels(row, filter.labels) && sees(row)));
    const last = rows.at(-1);
    if (nodes.length >= limit || rows.length < atOnce || !last) return nodes.slice(0, limit);
    after = last.name;
    await nextPortion(signal);
  }
}

function hasLabels(node: NodeRow, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => node.labels[name] === value);
}

/** Refuses a name or a BMC that another node has. @throws NODE_NAME_TAKEN, BMC_TAKEN */
export async function refuseTwins(node: { uuid: string; name: string; bmcKey: string }, sql: Knex): Promise<void> {
  const twin = await sql('nodes')
    .whereNot('uuid', node.uuid)
    .andWhere((either) => either.where('name', node.name).orWhere('bmc_key', node.bmcKey))
    .first();
  if (!twin) return;
  if (twin.name === node.name)
    throw failWith('NODE_NAME_TAKEN', `there is a node '${node.name}' already; choose another name`, {
      field: 'name',
      resource: { type: 'node', name: node.name },
    });
  throw failWith(
    'BMC_TAKEN',
    `node '${twin.name}' is reached through the same BMC (${node.bmcKey}); a BMC belongs to one node`,
    { field: 'driver_info', resource: { type: 'node', name: twin.name } },
  );
}

/** The nodes that may still change because of an order that was given up. */
export async function listWindows(sql: Knex): Promise<NodeRow[]> {
  return (await sql('nodes').whereNotNull('may_change_until')).map(decodedBy(sql));
}

/** The nodes that could not be read because no agent served them. */
export async function listUnserved(sql: Knex): Promise<NodeRow[]> {
  const rows = await sql('nodes')
    .whereNotNull('problem')
    .where('problem', 'like', problemIs('AGENT_NOT_ATTACHED'))
    .orderBy('name');
  return rows.map(decodedBy(sql));
}

/**
 * The nodes after this name that have a problem, or have none, in the order of names: at most `limit`. It asks for nothing else: SQLite would
 * answer a query for free nodes from an index of all that are free, and sort those for each page.
 */
export async function listNodesAfter(
  afterName: string,
  { withProblem }: { readonly withProblem: boolean },
  limit: number,
  sql: Knex,
): Promise<NodeRow[]> {
  const query = sql('nodes').where('name', '>', afterName).orderBy('name').limit(limit);
  if (withProblem) query.whereNotNull('problem');
  else query.whereNull('problem');
  return (await query).map(decodedBy(sql));
}

/** The nodes with these values, except one, in the order of names. */
export async function findNodesWhere(
  part: Partial<NodeRow>,
  exceptUuid: string,
  limit: number,
  sql: Knex,
): Promise<NodeRow[]> {
  const query = sql('nodes').where(nodeCodec.encode(part)).whereNot('uuid', exceptUuid).orderBy('name').limit(limit);
  return (await query).map(decodedBy(sql));
}

/** True if a node that is reached at another place has this GUID too. */
export async function isGuidBorneElsewhere({ uuid, bmcGuid, bmcPlace }: NodeRow, sql: Knex): Promise<boolean> {
  if (bmcGuid === null) return false;
  const others = sql('nodes').where('bmc_guid', bmcGuid).whereNot({ uuid });
  return (await others.whereNot((same) => meets(same, bmcPlace)).first('uuid')) !== undefined;
}

/**
 * The nodes of a zone that are reached through the BMC of this place, in the order of names. A place is that of a BMC, or of one
 * System that the BMC manages, `10.0.7.1/redfish/v1/Systems/1`: two Systems are two servers, but an order to the BMC itself
 * reaches each.
 */
export async function findNodesAt(
  place: string,
  zone: string,
  exceptUuid: string,
  limit: number,
  sql: Knex,
): Promise<NodeRow[]> {
  const rows = await sql('nodes')
    .where((same) => meets(same, place))
    .whereNot('uuid', exceptUuid);
  const own = rows.filter((row) => row.zone === zone).map(decodedBy(sql));
  return own.sort(byName).slice(0, limit);
}

/**
 * Places of one BMC, found by the index of places. A query that names the zone as well, or an order with a limit, is answered by SQLite from
 * every node of the zone: the zone is looked at afterwards. The range is that of its Systems, in the order of bytes: `0` comes after `/`.
 */
function meets(query: Knex.QueryBuilder, place: string): void {
  const slash = place.indexOf('/');
  if (slash >= 0) query.whereIn('bmc_place', [place, place.slice(0, slash)]);
  else
    query
      .where('bmc_place', place)
      .orWhere((systems) => systems.where('bmc_place', '>=', `${place}/`).where('bmc_place', '<', `${place}0`));
}

/** The held node that is reached through the same BMC as this one, or null. */
export async function heldThroughSameBmc(node: NodeRow, sql: Knex): Promise<NodeRow | null> {
  if (node.sameBmcAs === null) return null;
  const { uuid, bmcPlace, zone } = node;
  const rows = await sql('nodes')
    .where((same) => meets(same, bmcPlace))
    .whereNot({ uuid });
  const row = rows.find((each) => each.held_by !== null && each.zone === zone);
  return row ? decodeNode(row, sql) : null;
}

/** Adds a row. Watchers are told by the caller. */
export async function insertNodeRow(node: NodeRow, { sql, keep }: Transaction): Promise<void> {
  await sql('nodes').insert(nodeCodecOf(node.uuid, sql).encode(node));
  keep({ kind: 'node', node, deleted: false });
}

/**
 * Writes a part of a row anew. Watchers are told by the caller.
 * @returns the row as it now is, or null if another write came first
 */
export async function saveNode(
  before: NodeRow,
  patch: Partial<NodeRow>,
  transaction: Transaction,
): Promise<NodeRow | null> {
  const node = await compareAndSet(
    { ...NODES, codec: nodeCodecOf(before.uuid, transaction.sql) },
    before,
    patch,
    transaction,
  );
  if (node === null) return null;
  // The old values may be secrets.
  if (patch.driverInfo) transaction.scrub();
  transaction.keep({ kind: 'node', node, deleted: false });
  return node;
}

/** Deletes a row that no task holds, if it still is what the deletion was decided on. Returns false if it is not. */
export async function deleteNodeRow(node: NodeRow, { sql, keep, scrub }: Transaction): Promise<boolean> {
  const { uuid, revision } = node;
  if ((await sql('nodes').where({ uuid, revision }).whereNull('held_by').delete()) === 0) return false;
  scrub();
  keep({ kind: 'node', node, deleted: true });
  return true;
}

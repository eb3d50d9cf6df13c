/** Reading and writing nodes. What a power task shows on its node is written by `transition.ts` alone. */
import type { Knex } from 'knex';
import { othersFirst } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { expandRanges } from '../../core/ranges.ts';
import { changeAnnouncements, type NodeChange, nodeChanges } from '../node_notifications.ts';
import { newIn, patched } from './columns.ts';
import type { Transaction } from './database.ts';
import { findSecretKeys } from './drivers.ts';
import { announce } from './events.ts';
import { asOtherServer } from './identity.ts';
import { keptBehind } from './kept.ts';
import { type Cause, goodPowerStateAfter, noteModelChanges } from './model_changes.ts';
import { filledUp, portionsOf, VALUES_AT_ONCE } from './portions.ts';
import { findRecall } from './power_tasks.ts';
import { type NodeRow, nodeCodec } from './rows.ts';
import type { Store } from './store.ts';

/** A node by name or uuid, or null. */
export async function findNode(nameOrUuid: string, sql: Knex): Promise<NodeRow | null> {
  const kept = keptBehind(sql).node(nameOrUuid);
  if (kept) return kept;
  // Two questions for one index each take less time than one for either.
  const byUuid = isUuid(nameOrUuid) && (await sql('nodes').where('uuid', nameOrUuid).first());
  const row = byUuid || (await sql('nodes').where('name', nameOrUuid).first());
  return row ? nodeCodec.decode(row) : null;
}

const isUuid = (text: string): boolean => text.length === 36;

/** The nodes with these uuids; those that do not exist are not there. */
export async function findNodesByUuid(uuids: readonly string[], sql: Knex): Promise<Map<string, NodeRow>> {
  const kept = keptBehind(sql);
  const found = new Map<string, NodeRow>();
  for (const node of uuids.map((uuid) => kept.node(uuid))) if (node) found.set(node.uuid, node);
  const others = uuids.filter((uuid) => !found.has(uuid));
  for (const part of portionsOf(others, VALUES_AT_ONCE)) {
    const rows = await sql('nodes').whereIn('uuid', filledUp(part));
    for (const row of rows.map(nodeCodec.decode)) found.set(row.uuid, row);
  }
  return found;
}

/** A node by name or uuid. @throws NODE_NOT_FOUND, ARGUMENT_INVALID if nothing is named */
export async function getNode(nameOrUuid: string, sql: Knex): Promise<NodeRow> {
  if (nameOrUuid === '') throw fail('ARGUMENT_INVALID', 'no node is named; give its name or uuid');
  const node = await findNode(nameOrUuid, sql);
  if (!node)
    throw fail('NODE_NOT_FOUND', `there is no node '${nameOrUuid}'; \`countermand node list\` shows those there are`);
  return node;
}

/**
 * The nodes that names, uuids and ranges mean, each once.
 * @throws NODE_NOT_FOUND naming those that do not exist: half a range is never taken for the whole
 */
export async function resolveNodes(ranges: readonly string[], sql: Knex): Promise<NodeRow[]> {
  if (ranges.length === 0)
    throw fail('ARGUMENT_INVALID', "no node is named; give names, uuids or ranges such as 'r7n[1-16]'");
  const wanted = expandRanges(ranges);
  const found = await findNodes(wanted, sql);
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length > 0) throw fail('NODE_NOT_FOUND', `there is no node ${listBriefly(missing)}; nothing was done`);
  return [...new Set(wanted.map((name) => found.get(name) as NodeRow))];
}

/** The nodes of these names and uuids, by both; those that do not exist are not there. */
export async function findNodes(namesOrUuids: readonly string[], sql: Knex): Promise<Map<string, NodeRow>> {
  const found = new Map<string, NodeRow>();
  for (const part of portionsOf(namesOrUuids, VALUES_AT_ONCE)) {
    const rows = await sql('nodes').whereIn('name', part).orWhereIn('uuid', part);
    // Many names are looked up for one client: others are served in between.
    if (namesOrUuids.length > part.length) await othersFirst();
    for (const row of rows.map(nodeCodec.decode)) found.set(row.name, row).set(row.uuid, row);
  }
  return found;
}

function listBriefly(names: string[]): string {
  const shown = names.slice(0, 5).map((name) => `'${name}'`);
  return names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ');
}

/** Every node, in the order of names. */
export async function listAllNodes(sql: Knex): Promise<NodeRow[]> {
  return (await sql('nodes').orderBy('name')).map(nodeCodec.decode);
}

/** Which nodes to list. */
export interface NodeFilter {
  readonly zone: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Only nodes that cannot be read. */
  readonly withProblem?: boolean;
}

/** At most `limit` nodes after `afterName` in the order of names. */
export async function listNodes(filter: NodeFilter, afterName: string, limit: number, sql: Knex): Promise<NodeRow[]> {
  const nodes: NodeRow[] = [];
  let after = afterName;
  for (;;) {
    const query = sql('nodes').where('name', '>', after).orderBy('name').limit(limit);
    if (filter.zone) query.where('zone', filter.zone);
    if (filter.driver) query.where('driver', filter.driver);
    if (filter.withProblem) query.whereNotNull('problem');
    const rows: NodeRow[] = (await query).map(nodeCodec.decode);
    nodes.push(...rows.filter((row) => hasLabels(row, filter.labels)));
    const last = rows.at(-1);
    if (nodes.length >= limit || rows.length < limit || !last) return nodes.slice(0, limit);
    after = last.name;
  }
}

function hasLabels(node: NodeRow, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => node.labels[name] === value);
}

/** What is not known of a node before it is read. */
const NOT_READ = {
  goodPowerState: null,
  bmcGuid: null,
  guidShared: false,
  otherGuid: null,
  bmcPlace: '',
  sameBmcAs: null,
};

/** Adds a node. @throws NODE_NAME_TAKEN, BMC_TAKEN */
export async function insertNode(
  node: Omit<NodeRow, keyof typeof NOT_READ | 'revision' | 'createdAt' | 'updatedAt'>,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  await refuseTwins(node, transaction.sql);
  const now = store.clock.now();
  const row: NodeRow = { ...node, ...NOT_READ, revision: 1, createdAt: now, updatedAt: now };
  await transaction.sql('nodes').insert(nodeCodec.encode(row));
  await noteModelChanges(null, row, cause, transaction, store);
  await announceChange('create', [], row, cause, transaction, store);
  transaction.changed({ kind: 'node', node: row, deleted: false });
  return row;
}

/**
 * Changes a node, for the cause that is given, and announces what operators set. With `onlyFree`, a node that a power task holds
 * is left alone. With another `bmcKey` it is another server: what was known of the one before is forgotten.
 * @returns the node as it now is, or null if there was none to change
 * @throws NODE_NAME_TAKEN, BMC_TAKEN
 */
export async function updateNode(
  uuid: string,
  patch: Partial<NodeRow>,
  cause: Cause,
  transaction: Transaction,
  store: Store,
  onlyFree = false,
): Promise<NodeRow | null> {
  if (patch.name || patch.bmcKey) await refuseTwins({ uuid, name: '', bmcKey: '', ...patch }, transaction.sql);
  const before = await findNode(uuid, transaction.sql);
  if (before === null) return null;
  if (onlyFree && (before.heldBy !== null || (await findRecall(uuid, transaction.sql)) !== null)) return null;
  const rewired = patch.bmcKey !== undefined && patch.bmcKey !== before.bmcKey;
  const whole = rewired ? { ...asOtherServer(before), ...patch } : patch;
  const after = await writeNode(before, whole, cause, transaction, store);
  for (const [change, parts] of nodeChanges(before, after))
    await announceChange(change, parts, after, cause, transaction, store);
  return after;
}

async function announceChange(
  change: NodeChange,
  parts: readonly string[],
  node: NodeRow,
  { why }: Cause,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const secretKeys = await findSecretKeys(node.driver, transaction.sql);
  await announce(changeAnnouncements(change, parts, node, why, secretKeys), transaction, store);
}

/**
 * Changes a node from what this transaction has found it to be.
 * @returns the node as it now is
 */
export async function writeNode(
  before: NodeRow,
  patch: Partial<NodeRow>,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const { uuid, revision } = before;
  const goodPowerState = goodPowerStateAfter(before, patch);
  const written = { ...patch, goodPowerState, updatedAt: store.clock.now(), revision: revision + 1 };
  const count = await transaction.direct.update('nodes', nodeCodec.encode(newIn(before, written)), { uuid, revision });
  if (count !== 1) throw fail('INTERNAL', `node ${before.name} is not at revision ${revision} any more`);
  const node = patched(before, written);
  // The old values may be secrets.
  if (patch.driverInfo) transaction.scrub();
  await noteModelChanges(before, node, cause, transaction, store);
  transaction.changed({ kind: 'node', node, deleted: false });
  return node;
}

/** A node that was read and is what it was known to be. */
export interface ReadAgain {
  readonly node: NodeRow;
  readonly readAt: number;
}

/** Notes when these nodes, each once, were read again. Answers them as they now are. */
export async function noteReadAgain(
  readings: readonly ReadAgain[],
  { direct, changed }: Transaction,
  store: Store,
): Promise<NodeRow[]> {
  const updatedAt = store.clock.now();
  const after: NodeRow[] = [];
  for (const { node, readAt } of readings) {
    const written = { powerStateReadAt: readAt, updatedAt, revision: node.revision + 1 };
    await direct.update('nodes', nodeCodec.encode(written), { uuid: node.uuid });
    after.push({ ...node, ...written });
  }
  for (const node of after) changed({ kind: 'node', node, deleted: false });
  return after;
}

/** Forgets a node that no power task holds or takes an order back from. Returns false if one does, or if there is no such node. */
export async function deleteFreeNode(
  node: NodeRow,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<boolean> {
  if ((await findRecall(node.uuid, transaction.sql)) !== null) return false;
  const before = await findNode(node.uuid, transaction.sql);
  const count = await transaction.sql('nodes').where({ uuid: node.uuid }).whereNull('held_by').delete();
  if (before === null || count === 0) return false;
  transaction.scrub();
  await noteModelChanges(before, null, cause, transaction, store);
  await announceChange('delete', [], before, cause, transaction, store);
  transaction.changed({ kind: 'node', node, deleted: true });
  return true;
}

/** Refuses a name or a BMC that another node has. @throws NODE_NAME_TAKEN, BMC_TAKEN */
export async function refuseTwins(node: { uuid: string; name: string; bmcKey: string }, sql: Knex): Promise<void> {
  const twin = await sql('nodes')
    .whereNot('uuid', node.uuid)
    .andWhere((either) => either.where('name', node.name).orWhere('bmc_key', node.bmcKey))
    .first();
  if (!twin) return;
  if (twin.name === node.name)
    throw fail('NODE_NAME_TAKEN', `there is a node '${node.name}' already; choose another name`);
  throw fail(
    'BMC_TAKEN',
    `node '${twin.name}' is reached through the same BMC (${node.bmcKey}); a BMC belongs to one node`,
  );
}

/** The nodes that may still change because of an order that was given up. */
export async function listWindows(sql: Knex): Promise<NodeRow[]> {
  return (await sql('nodes').whereNotNull('may_change_until')).map(nodeCodec.decode);
}

/** The nodes that could not be read because no agent served them. */
export async function listUnserved(sql: Knex): Promise<NodeRow[]> {
  const rows = await sql('nodes').whereRaw(`problem ->> 'code' = ?`, 'AGENT_NOT_ATTACHED').orderBy('name');
  return rows.map(nodeCodec.decode);
}

/** The free nodes after this name, in the order of names: at most `limit`. */
export async function listFreeNodes(afterName: string, limit: number, sql: Knex): Promise<NodeRow[]> {
  const rows = await sql('nodes').whereNull('held_by').where('name', '>', afterName).orderBy('name').limit(limit);
  return rows.map(nodeCodec.decode);
}

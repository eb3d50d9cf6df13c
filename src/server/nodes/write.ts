/** The only writer of nodes: each change with what follows from it, in the transaction of the change. */
import { failWith } from '../../core/errors.ts';
import { announce } from '../events/announce.ts';
import { overtaken } from '../store/compare_and_set.ts';
import type { Transaction } from '../store/database.ts';
import { findSecretKeys } from '../store/drivers.ts';
import { deleteNodeRow, findNode, insertNodeRow, refuseTwins, saveNode } from '../store/nodes.ts';
import { findRecall } from '../store/power_tasks.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { wayTo } from './bmc.ts';
import { asOtherServer } from './identity.ts';
import { type Cause, goodPowerStateAfter, noteModelChanges } from './model_changes.ts';
import { changeAnnouncements, type NodeChange, nodeChanges } from './notifications.ts';

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
  refuseKnown(await findNode(node.uuid, transaction.sql), node.uuid);
  const now = store.clock.now();
  const row: NodeRow = { ...node, ...NOT_READ, revision: 1, createdAt: now, updatedAt: now };
  await insertNodeRow(row, transaction);
  await noteModelChanges(null, row, cause, transaction, store);
  await announceChange('create', [], row, cause, transaction, store);
  transaction.changed({ kind: 'node', node: row, deleted: false });
  return row;
}

/**
 * Changes what operators set of a node, and announces it. With another `bmcKey` it is another server: what was known of the one
 * before is forgotten. Whenever it is reached otherwise, readings that were begun before are dropped, as its fence grows.
 * @returns the node as it now is
 * @throws NODE_NAME_TAKEN, BMC_TAKEN, OVERTAKEN if the node is not `before` any more
 */
export async function updateNode(
  before: NodeRow,
  patch: Partial<NodeRow>,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const { uuid } = before;
  if (patch.name || patch.bmcKey) await refuseTwins({ uuid, name: '', bmcKey: '', ...patch }, transaction.sql);
  const rewired = patch.bmcKey !== undefined && patch.bmcKey !== before.bmcKey;
  const moved = wayTo({ ...before, ...patch }) !== wayTo(before);
  const known = rewired ? asOtherServer(before) : moved ? { fence: before.fence + 1 } : {};
  const after = await writeNode(before, { ...known, ...patch }, cause, transaction, store);
  for (const [change, parts] of nodeChanges(before, after))
    await announceChange(change, parts, after, cause, transaction, store);
  return after;
}

/** Refuses a uuid that a node has already. @throws NODE_NAME_TAKEN */
export function refuseKnown(known: NodeRow | null, uuid: string): void {
  if (known !== null)
    throw failWith('NODE_NAME_TAKEN', `node '${known.name}' has the uuid ${uuid} already; choose another uuid`, {
      field: 'uuid',
      resource: { type: 'node', name: known.name },
    });
}

async function announceChange(
  change: NodeChange,
  parts: readonly string[],
  node: NodeRow,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const secretKeys = await findSecretKeys(node.driver, transaction.sql);
  await announce(changeAnnouncements(change, parts, node, cause, secretKeys), transaction, store);
}

/**
 * Changes a node.
 * @returns the node as it now is
 * @throws OVERTAKEN if the node is not `before` any more
 */
export async function writeNode(
  before: NodeRow,
  patch: Partial<NodeRow>,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<NodeRow> {
  const goodPowerState = goodPowerStateAfter(before, patch);
  const node = await saveNode(before, { ...patch, goodPowerState, updatedAt: store.clock.now() }, transaction);
  if (node === null) throw overtaken(`node ${before.name}`);
  await noteModelChanges(before, node, cause, transaction, store);
  transaction.changed({ kind: 'node', node, deleted: false });
  return node;
}

/** A node that was read and is what it was known to be. */
interface ReadAgain {
  readonly node: NodeRow;
  readonly readAt: number;
}

/** Notes when these nodes, each once, were read again. Answers those that were still as given, as they now are. */
export async function noteReadAgain(
  readings: readonly ReadAgain[],
  transaction: Transaction,
  store: Store,
): Promise<NodeRow[]> {
  const updatedAt = store.clock.now();
  const after: NodeRow[] = [];
  for (const { node, readAt } of readings) {
    const saved = await saveNode(node, { powerStateReadAt: readAt, updatedAt }, transaction);
    if (saved) after.push(saved);
  }
  for (const node of after) transaction.changed({ kind: 'node', node, deleted: false });
  return after;
}

/** Forgets a node that no power task holds or takes an order back from. Returns false if one does, or if it is not `before` any more. */
export async function deleteFreeNode(
  before: NodeRow,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<boolean> {
  if ((await findRecall(before.uuid, transaction.sql)) !== null) return false;
  if (!(await deleteNodeRow(before, transaction))) return false;
  await noteModelChanges(before, null, cause, transaction, store);
  await announceChange('delete', [], before, cause, transaction, store);
  transaction.changed({ kind: 'node', node: before, deleted: true });
  return true;
}

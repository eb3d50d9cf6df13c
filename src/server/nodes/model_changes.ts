/**
 * The only writer of the cluster model's history. Whatever changes a node says so here, in the transaction of the change.
 */

import { KEPT_LIMITS } from '../../core/limits.ts';
import { cutText } from '../../core/texts.ts';
import { insertModelChanges, type NodeChanges } from '../store/cluster_model.ts';
import { patched } from '../store/columns.ts';
import type { Transaction } from '../store/database.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { isOtherServer, serverWords } from './identity.ts';

/** Why a node has changed. */
export interface Cause {
  /** In a sentence, to stand in brackets. */
  readonly why: string;
  /** The plan whose action did it, if one did. */
  readonly planUuid: string | null;
}

/**
 * Notes what has changed between a node as it was and as it is; null is a node that is not there. Only what belongs to the
 * cluster model counts, and only if it was set to something else. Power states count against the last good reading.
 */
export async function noteModelChanges(
  before: NodeRow | null,
  after: NodeRow | null,
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const node = after ?? before;
  if (node === null) return;
  const changes = changesOf(before, after);
  if (changes.length > 0) await recordChanges([{ node, changes }], cause, transaction, store);
}

const MODEL_KEYS = ['maintenance', 'zone', 'labels', 'driver'] as const;

/** What the last good reading of a node has found, when a patch is written. Of another server, nothing was found before. */
export function goodPowerStateAfter(before: NodeRow, patch: Partial<NodeRow>): NodeRow['goodPowerState'] {
  const { powerState } = patch;
  if (powerState === 'power on' || powerState === 'power off') return powerState;
  const mayBeOther = patch.bmcKey !== undefined || patch.bmcGuid !== undefined || patch.otherGuid !== undefined;
  return mayBeOther && isOtherServer(before, patched(before, patch)) ? null : before.goodPowerState;
}

function changesOf(before: NodeRow | null, after: NodeRow | null): NodeChanges['changes'] {
  if (before === null) return [{ what: 'node', oldValue: 'not known', newValue: 'enrolled' }];
  if (after === null) return [{ what: 'node', oldValue: 'enrolled', newValue: 'deleted' }];
  const power = { what: 'power state', oldValue: before.goodPowerState ?? '', newValue: after.goodPowerState ?? '' };
  const changed = MODEL_KEYS.filter((what) =>
    what === 'labels' ? isRelabelled(before, after) : before[what] !== after[what],
  );
  const others = changed.map((what) => ({
    what,
    oldValue: textOf(before, what, after),
    newValue: textOf(after, what, before),
  }));
  const server = serverChange(before, after);
  if (server !== null) return [server, ...others];
  const moved = power.oldValue !== '' && power.oldValue !== power.newValue;
  return moved ? [power, ...others] : others;
}

/** Another server, or one that was accepted; its power state is not that of the one before it. */
function serverChange(before: NodeRow, after: NodeRow): NodeChanges['changes'][number] | null {
  const accepted = before.otherGuid !== null && after.otherGuid === null;
  if (!accepted && !isOtherServer(before, after)) return null;
  return { what: 'server', oldValue: serverWords(before), newValue: serverWords(after) };
}

function textOf(node: NodeRow, what: (typeof MODEL_KEYS)[number], other: NodeRow): string {
  if (what === 'maintenance') return node.maintenance ? 'on' : 'off';
  return what === 'labels' ? textOfLabels(node.labels, other.labels) : node[what];
}

type Labels = NodeRow['labels'];

/** The labels that the others lack, or have with another value. Labels that stay are part of no change. */
const changedLabels = (labels: Labels, others: Labels): [string, string][] =>
  Object.entries(labels).filter(([name, value]) => others[name] !== value);

function isRelabelled({ labels: before }: NodeRow, { labels: after }: NodeRow): boolean {
  return changedLabels(before, after).length > 0 || changedLabels(after, before).length > 0;
}

function textOfLabels(labels: Labels, others: Labels): string {
  const changed = changedLabels(labels, others).map(([name, value]) => `${name}=${value}`);
  return changed.length === 0 ? 'none' : cutText(changed.sort().join(', '), KEPT_LIMITS.change_text.limit);
}

/**
 * Writes changes of nodes, and tells `modelChanged` of the store, in the same transaction.
 */
export async function recordChanges(
  all: readonly NodeChanges[],
  cause: Cause,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const { why, planUuid } = cause;
  const now = store.clock.now();
  const { actor } = transaction;
  const by = { changedBy: actor?.identity ?? null, changedFor: actor?.onBehalfOf ?? null };
  const common = { cause: why, planUuid, ...by, changedAt: now };
  const rows = all.flatMap(({ node, changes }) =>
    changes.map((change) => ({ ...change, ...common, nodeUuid: node.uuid, nodeName: node.name })),
  );
  await insertModelChanges(rows, transaction);
  await store.modelChanged(all, { why, planUuid }, transaction, store);
}

/**
 * The notifications of enrolled nodes: created, changed, put into maintenance, deleted. Types and payloads are those of Ironic
 * (NodeCRUDPayload, and NodePayload for maintenance), with what changed and the error of a refusal added.
 */

import { digestOf } from '../../core/digest.ts';
import type { CountermandError } from '../../core/errors.ts';
import type { NODE_CHANGES } from '../../core/event_types.ts';
import type { Announcement } from '../events/announce.ts';
import { nodeData, type ToldNode, versioned } from '../events/notifications.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Cause } from './model_changes.ts';
import { maskSecrets } from './secrets.ts';

/** One of the changes of an enrolled node. */
export type NodeChange = (typeof NODE_CHANGES)[number];

/** The parts of a node whose change is an `update`, by the words of the API. */
const UPDATED = { name: 'name', zone: 'zone', labels: 'labels', driverInfo: 'driver_info' } as const;
/** The parts of a node whose change is a `maintenance_set`. */
const MAINTENANCE = { maintenance: 'maintenance', maintenanceReason: 'maintenance_reason' } as const;

const changedIn = (
  words: Readonly<Partial<Record<keyof NodeRow, string>>>,
  before: ToldNode,
  after: ToldNode,
): string[] =>
  (Object.keys(words) as (keyof typeof words & keyof ToldNode)[])
    .filter((key) => digestOf(before[key]) !== digestOf(after[key]))
    .map((key) => words[key] as string);

/** What was changed from `before` to `after`, and which parts: nothing, one change or both. */
export function nodeChanges(before: ToldNode, after: ToldNode): readonly (readonly [NodeChange, readonly string[]])[] {
  const changes = [
    ['update', changedIn(UPDATED, before, after)],
    ['maintenance_set', changedIn(MAINTENANCE, before, after)],
  ] as const;
  return changes.filter(([, parts]) => parts.length > 0);
}

/** A change that was made: its start, and its end. `secretKeys` are those of the node's driver. */
export function changeAnnouncements(
  change: NodeChange,
  parts: readonly string[],
  node: ToldNode,
  cause: Cause,
  secretKeys: ReadonlySet<string>,
): Announcement[] {
  const payload = payloadOf(change, parts, node, cause, secretKeys, null);
  return [announcement(change, 'start', payload), announcement(change, 'end', payload)];
}

/** A change that was refused: its start with what was wanted, and the error. */
export function refusalAnnouncements(
  change: NodeChange,
  parts: readonly string[],
  wanted: ToldNode,
  cause: Cause,
  secretKeys: ReadonlySet<string>,
  error: CountermandError,
): Announcement[] {
  return [
    announcement(change, 'start', payloadOf(change, parts, wanted, cause, secretKeys, null)),
    announcement(change, 'error', payloadOf(change, parts, wanted, cause, secretKeys, error)),
  ];
}

function announcement(
  change: NodeChange,
  phase: 'start' | 'end' | 'error',
  payload: Announcement['payload'],
): Announcement {
  const priority = phase === 'error' ? 'ERROR' : 'INFO';
  return { eventType: `baremetal.node.${change}.${phase}`, priority, payload };
}

function payloadOf(
  change: NodeChange,
  parts: readonly string[],
  node: ToldNode,
  cause: Cause,
  secretKeys: ReadonlySet<string>,
  error: CountermandError | null,
): Announcement['payload'] {
  const told = {
    ...nodeData(node),
    changed: parts,
    cause: cause.why,
    plan_uuid: cause.planUuid,
    error_code: error?.code ?? null,
    error_message: error?.message ?? null,
  };
  if (change === 'maintenance_set') return versioned('NodePayload', told);
  const info = { driver_info: maskSecrets(node.driverInfo, secretKeys), chassis_uuid: null, instance_info: null };
  return versioned('NodeCRUDPayload', { ...told, ...info });
}

/** Accepting that a node is another server now: what an operator does when the GUID behind its address has changed. */
import { failAt, failWith } from '../../core/errors.ts';
import { guidFrom, isOtherGuid } from '../../core/guid.ts';
import type { Reading } from '../../core/power.ts';
import type { AcceptNodeRequest } from '../../gen/countermand/v1/node.ts';
import { asOtherServer, provingGuidOf } from '../nodes/identity.ts';
import { noteSharing } from '../nodes/sharing.ts';
import { writeNode } from '../nodes/write.ts';
import type { Transaction } from '../store/database.ts';
import { getNode } from '../store/nodes.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import { knownFrom } from './known.ts';
import { type ReadingParts, recordReading } from './readings.ts';

const BY_OPERATOR = { why: 'accepted by an operator', planUuid: null };

/**
 * Reads a node, and takes the server that answers for the node's from now on: plans about the old one that wait are superseded.
 * If it is the node's already, only the reading is recorded.
 * @throws NODE_NOT_FOUND, NODE_HELD, AGENT_NOT_ATTACHED, BMC_IS_ANOTHER if it has not the GUID that the request names, and
 *   what a reading fails with; then nothing was written
 */
export async function acceptNode(
  request: AcceptNodeRequest,
  { store, shared }: ReadingParts,
  signal: AbortSignal,
): Promise<NodeRow> {
  const wanted = request.guid === '' ? null : guidOf(request.guid);
  const node = await getNode(request.node, store.database.read);
  refuseIfHeld(node);
  const { begun, outcome: reading } = await shared.read(node, 'operator', signal);
  if (reading instanceof Error) throw reading;
  if (wanted !== null && wanted !== reading.guid)
    throw failAt(
      'BMC_IS_ANOTHER',
      'guid',
      `what answers at ${node.bmcKey} has ${reading.guid === undefined ? 'no GUID that proves something' : `GUID ${reading.guid}`}, not ${wanted}; nothing was changed`,
    );
  return store.database.write((transaction) => accept(begun, reading, transaction, store));
}

/** A GUID as nodes have it, however it was spelt. @throws ARGUMENT_INVALID for what is none, or proves nothing */
function guidOf(text: string): string {
  const colon = text.lastIndexOf(':');
  const guid = guidFrom(text.slice(colon + 1), text.slice(0, Math.max(colon, 0)));
  if (guid !== undefined) return guid;
  const what = `guid '${text.slice(0, 100)}' is not the GUID of a server`;
  throw failAt(
    'ARGUMENT_INVALID',
    'guid',
    `${what}; give the other_guid of the node, or leave it out for whichever answers`,
  );
}

async function accept(begun: NodeRow, reading: Reading, transaction: Transaction, store: Store): Promise<NodeRow> {
  const before = await getNode(begun.uuid, transaction.sql);
  refuseIfHeld(before);
  if (before.fence !== begun.fence)
    throw failWith('NODE_HELD', `node ${before.name} was ordered about meanwhile; try again`, {
      resource: { type: 'node', name: before.name },
    });
  const isOther = before.otherGuid !== null || isOtherGuid(provingGuidOf(before), reading.guid);
  if (!isOther || reading.guid === before.bmcGuid)
    return (await recordReading(before, reading, transaction, store)) ?? before;
  const patch: Partial<NodeRow> = {
    ...asOtherServer(before),
    bmcGuid: reading.guid ?? null,
    bmcPlace: reading.place ?? '',
    ...knownFrom(reading),
  };
  const accepted = await writeNode(before, patch, BY_OPERATOR, transaction, store);
  return (await noteSharing(before, accepted, transaction, store)) ?? accepted;
}

function refuseIfHeld({ name, heldBy }: NodeRow): void {
  if (heldBy !== null)
    throw failWith(
      'NODE_HELD',
      `node ${name} is held by power task ${heldBy}; it can be accepted when that is at rest`,
      { resource: { type: 'node', name }, facts: { power_task: heldBy } },
    );
}

/** Accepting that a node is another server now: what an operator does when the GUID behind its address has changed. */
import { fail } from '../../core/errors.ts';
import { isOtherGuid } from '../../core/guid.ts';
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
  const node = await getNode(request.node, store.database.read);
  refuseIfHeld(node);
  const { begun, outcome: reading } = await shared.read(node, 'operator', signal);
  if (reading instanceof Error) throw reading;
  if (request.guid !== '' && request.guid !== reading.guid)
    throw fail(
      'BMC_IS_ANOTHER',
      `what answers at ${node.bmcKey} has ${reading.guid === undefined ? 'no GUID that proves something' : `GUID ${reading.guid}`}, not ${request.guid}; nothing was changed`,
    );
  return store.database.write((transaction) => accept(begun, reading, transaction, store));
}

async function accept(begun: NodeRow, reading: Reading, transaction: Transaction, store: Store): Promise<NodeRow> {
  const before = await getNode(begun.uuid, transaction.sql);
  refuseIfHeld(before);
  if (before.fence !== begun.fence)
    throw fail('NODE_HELD', `node ${before.name} was ordered about meanwhile; try again`);
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
    throw fail('NODE_HELD', `node ${name} is held by power task ${heldBy}; it can be accepted when that is at rest`);
}

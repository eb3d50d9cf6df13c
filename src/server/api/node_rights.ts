/** Enrolling and changing nodes within what the caller may do: also as they will be, the nodes are ones that it may change. */
import type { CreateNodeRequest, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import type { Verb } from '../access/verbs.ts';
import type { NodePermit } from '../nodes/enrolment.ts';
import type { Freezes } from '../power/freezes.ts';
import { ofUpdate } from './rpc_verbs.ts';
import type { View } from './view.ts';

const WRITES: readonly Verb[] = ['node.read', 'node.write'];

/** @throws PERMISSION_DENIED for a node that the caller could not see or change once it is enrolled */
export function allowNew({ name, uuid, zone, labels, driverInfo }: CreateNodeRequest, view: View): void {
  const verbs: readonly Verb[] = Object.keys(driverInfo).length > 0 ? [...WRITES, 'node.credentials'] : WRITES;
  view.need(verbs, { name, uuid, zone: zone === '' ? 'default' : zone, labels });
}

/**
 * What is asked of a change as it is written: a node may have got another zone or other labels since the call was let in.
 * @returns what throws PERMISSION_DENIED for a node that the caller may not change, or would not be able to change afterwards; and
 *   NODE_FROZEN for one that would leave a freeze
 */
export function updatePermit(request: UpdateNodeRequest, view: View, freezes: Freezes): NodePermit {
  const { name, zone, setLabels, removeLabels } = request;
  const moves = name !== undefined || zone !== undefined || removeLabels.length + Object.keys(setLabels).length > 0;
  const verbs = ofUpdate(request);
  return (before, after) => {
    view.need(verbs, before);
    if (moves) view.need(WRITES, after);
    freezes.refuseLeaving(before, after);
  };
}

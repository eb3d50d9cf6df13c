/** Enrolling and changing nodes within what the caller may do: also as they will be, the nodes are ones that it may change. */
import type { CreateNodeRequest, UpdateNodeRequest } from '../../gen/countermand/v1/node.ts';
import type { Verb } from '../access/verbs.ts';
import type { View } from './view.ts';

const WRITES: readonly Verb[] = ['node.read', 'node.write'];

/** @throws PERMISSION_DENIED for a node that the caller could not see or change once it is enrolled */
export function allowNew({ name, uuid, zone, labels, driverInfo }: CreateNodeRequest, view: View): void {
  const verbs: readonly Verb[] = Object.keys(driverInfo).length > 0 ? [...WRITES, 'node.credentials'] : WRITES;
  view.need(verbs, { name, uuid, zone: zone === '' ? 'default' : zone, labels });
}

/** @throws PERMISSION_DENIED for a change by which a node would leave what the caller may change */
export async function allowUpdate(request: UpdateNodeRequest, view: View): Promise<void> {
  const { name, zone, setLabels, removeLabels } = request;
  const moves = name !== undefined || zone !== undefined || removeLabels.length + Object.keys(setLabels).length > 0;
  if (!moves || WRITES.every((verb) => view.rights.everywhere(verb))) return;
  const before = await view.node(request.node);
  const labels = { ...before.labels, ...setLabels };
  for (const label of removeLabels) delete labels[label];
  view.need(WRITES, { uuid: before.uuid, name: name ?? before.name, zone: zone ?? before.zone, labels });
}

/** The BMC of a node, as an agent is told of it. */
import { digestOf } from '../../core/digest.ts';
import type { Bmc } from '../../gen/countermand/v1/agent.ts';
import type { NodeRow } from '../store/rows.ts';
import { provingGuidOf } from './identity.ts';

/** The BMC of a node for an agent, with its secrets. For the agent's stream only. */
export function toBmc(node: NodeRow): Bmc {
  const guid = provingGuidOf(node) ?? '';
  return { nodeUuid: node.uuid, driver: node.driver, driverInfo: { ...node.driverInfo }, fence: node.fence, guid };
}

/** How a node is reached, to be compared. */
export const wayTo = ({ driver, zone, driverInfo }: Pick<NodeRow, 'driver' | 'zone' | 'driverInfo'>): string =>
  digestOf({ driver, zone, driverInfo });

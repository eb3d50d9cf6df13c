/** The clouds whose changes are followed: which there are, and what of a change belongs to which nodes. */
import type { Compute } from '../../compute/compute.ts';
import type { CountermandError } from '../../core/errors.ts';
import type { Inbox } from '../../core/inbox.ts';
import { cloudOfNode, HOST_LABEL } from '../plans/actions/compute/host.ts';
import type { PlanParts } from '../plans/parts.ts';
import { type HostNode, nodesWithLabel } from '../store/hosts.ts';

/** One cloud, as the configuration has it. */
export interface WatchedCloud {
  readonly compute: Compute;
  /** Where its notifications come from; null: it sends none. */
  readonly inbox: Inbox | null;
}

/** What following clouds works with. */
export interface WatchParts extends PlanParts {
  /** Why this process may not write now; null if it may. */
  readonly objection: () => CountermandError | null;
}

/** Why something does not work. */
export interface Failing {
  /** When it began. */
  readonly since: number;
  /** How often in a row. */
  readonly attempts: number;
  readonly message: string;
}

/** The nodes that are these hosts of a cloud. */
export async function nodesOfHosts(
  cloud: string,
  hosts: readonly string[],
  { orders, clouds }: PlanParts,
): Promise<HostNode[]> {
  const nodes: HostNode[] = [];
  for (const host of hosts) nodes.push(...(await nodesWithLabel(HOST_LABEL, host, orders.store.database.read)));
  return nodes.filter((node) => cloudOfNode(node, clouds) === cloud);
}

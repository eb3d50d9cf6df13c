/** The clouds whose changes are followed: which there are, and what of a change belongs to which nodes. */
import type { Compute } from '../../compute/compute.ts';
import type { ClusterEventType } from '../../core/cluster_events.ts';
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import type { Inbox } from '../../core/inbox.ts';
import { reportClusterEvent } from '../audits/cluster_events.ts';
import { cloudOfNode, HOST_LABEL } from '../plans/actions/compute/host.ts';
import type { PlanParts } from '../plans/parts.ts';
import { type HostNode, nodesWithLabel } from '../store/hosts.ts';

/** One cloud, as the configuration has it. */
export interface WatchedCloud {
  readonly compute: Compute;
  /** Where its notifications come from; null: it sends none. */
  readonly inbox: Inbox | null;
  /** How often its services are looked at, in milliseconds; 0: never. */
  readonly pollMs: number;
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

/** A change on hosts of a cloud. */
interface HostChange {
  readonly cloud: string;
  readonly hosts: readonly string[];
  readonly type: ClusterEventType;
  readonly details: Readonly<Record<string, string | boolean>>;
  /** For people. */
  readonly reason: string;
  /** The same each time that it is told. */
  readonly messageId: string;
  /** The request id of the action of ours that has caused it; null if none has. */
  readonly origin: string | null;
}

/**
 * Makes a change on hosts a cluster event of the nodes that they are; `ignored` if they are none.
 * @param concerns false for a node that it is no news of
 */
export async function reportChange(
  { cloud, hosts, type, details, reason, messageId, origin }: HostChange,
  parts: WatchParts,
  concerns: (node: HostNode) => boolean = () => true,
): Promise<'changed' | 'repeated' | 'ignored'> {
  for (;;) {
    const nodes = (await nodesOfHosts(cloud, hosts, parts)).filter(concerns);
    if (nodes.length === 0) return 'ignored';
    const payload = { cloud, ...details };
    const common = { eventType: type, nodes: nodes.map(({ uuid }) => uuid), payload, reason, messageId };
    try {
      const { changed } = await reportClusterEvent({ ...common, ...(origin !== null && { origin }) }, parts);
      return changed ? 'changed' : 'repeated';
    } catch (thrown) {
      // A node was deleted meanwhile; the others are looked up anew.
      if (asCountermandError(thrown).code !== 'NODE_NOT_FOUND') throw thrown;
    }
  }
}

/** The nodes that are these hosts of a cloud. */
async function nodesOfHosts(
  cloud: string,
  hosts: readonly string[],
  { orders, clouds }: PlanParts,
): Promise<HostNode[]> {
  const nodes: HostNode[] = [];
  for (const host of hosts) nodes.push(...(await nodesWithLabel(HOST_LABEL, host, orders.store.database.read)));
  return nodes.filter((node) => cloudOfNode(node, clouds) === cloud);
}

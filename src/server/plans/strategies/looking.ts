/** What strategies see of the compute services of nodes, before they propose anything. */
import type { Clouds } from '../../../compute/compute.ts';
import { fail } from '../../../core/errors.ts';
import { cutText } from '../../../core/texts.ts';
import { CLOUD_LABEL, computeHostOf, HOST_LABEL } from '../actions/compute/host.ts';
import { movesAt } from '../actions/compute/looking.ts';
import type { HostSeen, Looked, SeenNode } from './seen.ts';

/** The number of hosts that are looked at concurrently. */
const AT_ONCE = 8;

/** True for a node that is a host of a compute service. */
export const isComputeHost = ({ labels }: Pick<SeenNode, 'labels'>): boolean => Boolean(labels[HOST_LABEL]);

/**
 * Looks at those of the nodes that are hosts.
 * @throws AUDIT_INVALID for a host that the compute service does not know, or that two nodes are; and as Compute
 */
export async function lookAtHosts(nodes: readonly SeenNode[], clouds: Clouds, signal: AbortSignal): Promise<Looked> {
  const hosts = nodes.filter(isComputeHost);
  const titles = titlesOf(hosts, clouds);
  const looked = new Map<string, HostSeen>();
  const waiting = [...hosts];
  const one = async (): Promise<void> => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift())
      looked.set(node.uuid, { ...(await lookAt(node, clouds, signal)), title: titles.get(node.uuid) ?? '' });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return looked;
}

/** What each host is called, by the uuid of its node. @throws AUDIT_INVALID if two nodes are one host */
function titlesOf(hosts: readonly SeenNode[], clouds: Clouds): ReadonlyMap<string, string> {
  const all = hosts.map((node) => {
    const { compute, host } = computeHostOf(node, { clouds });
    return { node, cloud: compute.cloud, host, short: cutText(host, 100) };
  });
  const byShort = Map.groupBy(all, ({ short }) => short);
  return new Map(
    all.map(({ node, cloud, host, short }) => {
      const namesakes = (byShort.get(short) ?? []).filter((each) => each.node !== node);
      const twin = namesakes.find((each) => each.cloud === cloud && each.host === host);
      if (twin)
        throw fail(
          'AUDIT_INVALID',
          `nodes ${node.name} and ${twin.node.name} are both host ${host} of cloud '${cloud}' by their label ${HOST_LABEL}; a host is one node`,
        );
      return [node.uuid, namesakes.length === 0 ? short : `${short} of ${cutText(cloud, 60)}`];
    }),
  );
}

async function lookAt(node: SeenNode, clouds: Clouds, signal: AbortSignal): Promise<Omit<HostSeen, 'title'>> {
  const { compute, host } = computeHostOf(node, { clouds });
  const service = await compute.service(host, signal);
  if (service === null)
    throw fail(
      'AUDIT_INVALID',
      `cloud '${compute.cloud}' has no nova-compute on host ${host}, which the label ${HOST_LABEL} of node ${node.name} names`,
    );
  const instances = await compute.instancesOn(host, signal);
  const moves = movesAt(host, await compute.migrationsAt(host, signal));
  const byName = instances.toSorted((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
  return { cloud: compute.cloud, host, service, instances: byName, moves };
}

/** What was seen of a node. @throws OVERTAKEN if it has become a host since the look */
export function seenOf(node: SeenNode, looked: Looked): HostSeen {
  const seen = looked.get(node.uuid);
  const cloud = node.labels[CLOUD_LABEL] ?? seen?.cloud;
  if (seen && seen.host === node.labels[HOST_LABEL] && seen.cloud === cloud) return seen;
  throw fail('OVERTAKEN', `node ${node.name} has changed while its host was looked at; try again`);
}

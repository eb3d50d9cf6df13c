/** docs/cluster_events.md, from the table of cluster events. */
import { CLUSTER_EVENT_TYPES } from '../../src/core/cluster_events.ts';
import { code, markdownTable, page } from './markdown.ts';

/** The page. */
export function printClusterEvents(): string {
  const rows = Object.entries(CLUSTER_EVENT_TYPES).map(([type, meaning]) => [code(type), meaning]);
  return page('Cluster events', 'scripts/docs/cluster_events.ts and src/core/cluster_events.ts', [
    'What happens outside and changes what runs on nodes. Each makes a revision of the cluster model for each of its nodes, and supersedes the plans about them ' +
      'that were not launched. [Notifications of Nova](openstack.md#notifications-of-nova) tell of them, and so may whoever calls `countermand node report`.',
    markdownTable(['type', 'meaning'], rows),
    'Of `instance.update` those count that have another `state` than before; of `compute.exception` those of a nova-compute that was not only asked something.',
  ]);
}

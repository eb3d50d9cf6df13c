/** What happens in a cloud and changes what runs on nodes: the types of cluster events, as Nova calls them in its versioned notifications. */

/** Each type with what it means, as a sentence without its end. */
export const CLUSTER_EVENT_TYPES = {
  'instance.update': 'an instance on the nodes was changed',
  'instance.delete.end': 'an instance on the nodes was deleted',
  'service.update': 'a service that manages the nodes was changed',
  'service.create': 'a service that manages the nodes was added',
  'service.delete': 'a service that manages the nodes was removed',
  'instance.create.end': 'an instance on the nodes was made',
  'instance.soft_delete.end': 'an instance on the nodes was deleted, and can be restored',
  'instance.restore.end': 'a deleted instance on the nodes was restored',
  'instance.live_migration_post.end': 'an instance has left the nodes, moved live',
  'instance.live_migration_post_dest.end': 'an instance has come to the nodes, moved live',
  'instance.live_migration_rollback.end': 'a live migration from the nodes was taken back, or has failed',
  'instance.live_migration_rollback_dest.end': 'a live migration to the nodes was taken back, or has failed',
  'instance.resize.end': 'an instance was resized or moved cold from or to the nodes',
  'instance.resize_finish.end': 'an instance has come to the nodes, resized or moved cold',
  'instance.resize_confirm.end': 'a resize or cold migration from or to the nodes was confirmed',
  'instance.resize_revert.start': 'a resize or cold migration from or to the nodes is being reverted',
  'instance.resize_revert.end': 'a resize or cold migration from or to the nodes was reverted',
  'instance.evacuate': 'an instance on the nodes is being built anew on another host',
  'instance.rebuild.end': 'an instance on the nodes was built anew',
  'instance.power_off.end': 'an instance on the nodes was stopped',
  'instance.power_on.end': 'an instance on the nodes was started',
  'instance.pause.end': 'an instance on the nodes was paused',
  'instance.unpause.end': 'a paused instance on the nodes runs again',
  'instance.suspend.end': 'an instance on the nodes was suspended',
  'instance.resume.end': 'a suspended instance on the nodes runs again',
  'instance.shelve.end': 'an instance on the nodes was shelved',
  'instance.shelve_offload.end': 'a shelved instance has left the nodes',
  'instance.unshelve.end': 'a shelved instance has come to the nodes',
  'instance.rescue.end': 'an instance on the nodes was put into rescue',
  'instance.unrescue.end': 'an instance on the nodes was taken out of rescue',
  'compute.exception': 'a compute service of the nodes has failed at something',
} as const;

/** One of them. */
export type ClusterEventType = keyof typeof CLUSTER_EVENT_TYPES;

/** True for the name of a type. */
export const isClusterEventType = (name: string): name is ClusterEventType => Object.hasOwn(CLUSTER_EVENT_TYPES, name);

/**
 * The part of OpenStack Compute that moving instances takes, as an interface: what can be read, and what can be ordered. Words are
 * the service's own: a server is an instance, its `host` the compute service host that it runs on.
 */
import type { CountermandError } from '../core/errors.ts';

/** An instance as the service shows it. */
export interface Instance {
  readonly uuid: string;
  readonly name: string;
  /** ACTIVE, SHUTOFF, VERIFY_RESIZE, ERROR, ... */
  readonly status: string;
  /** active, stopped, paused, resized, error, ... */
  readonly vmState: string;
  /** What the service is doing with it; null if nothing. */
  readonly taskState: string | null;
  /** Null while it is on none. */
  readonly host: string | null;
  /** Why it is in ERROR; of any time, so it means nothing in another status. */
  readonly fault: string;
}

/** One nova-compute. */
export interface ComputeService {
  readonly uuid: string;
  readonly host: string;
  readonly status: 'enabled' | 'disabled';
  readonly state: 'up' | 'down';
  readonly disabledReason: string | null;
  readonly forcedDown: boolean;
  /** Changes with each report of the service, and with each change of it; empty if the service does not say. */
  readonly updatedAt: string;
}

/** One row of `os-migrations`: what came of an order to move an instance. */
export interface InstanceMigration {
  /** Grows with each one. */
  readonly id: number;
  /** live-migration, migration (cold), resize, evacuation. */
  readonly type: string;
  readonly status: string;
  readonly instance: string;
  readonly source: string | null;
  /** Null until the scheduler has chosen. */
  readonly dest: string | null;
}

/** One entry of `os-instance-actions`: why an order failed stands here. */
export interface InstanceAction {
  readonly action: string;
  readonly requestId: string;
  /** `Error` if it failed. */
  readonly message: string | null;
  /** What the events of it say, the failed ones first; empty if nothing was said. */
  readonly why: string;
}

/** What can be ordered of an instance. `host` null leaves the choice to the scheduler. */
export type InstanceOrder =
  | { readonly kind: 'live'; readonly host: string | null }
  | { readonly kind: 'cold'; readonly host: string | null }
  | { readonly kind: 'evacuate'; readonly host: string | null }
  | { readonly kind: 'confirm' | 'revert' | 'stop' | 'start' }
  /** Takes back the live migration with this id. */
  | { readonly kind: 'abort'; readonly migration: number };

/** What became of the sending of an order. Accepted means that it was taken, never that it was carried out. */
export type Sent =
  | { readonly kind: 'accepted'; readonly requestId: string | null }
  /** It was refused, or never sent: nothing happens. */
  | { readonly kind: 'refused'; readonly error: CountermandError }
  /** Its answer was lost: only looking tells what became of it, and it is not sent again. */
  | { readonly kind: 'unknown'; readonly error: CountermandError };

/** The change of a compute service. */
export interface ServicePatch {
  readonly status?: 'enabled' | 'disabled';
  /** With `disabled` only; without it the service forgets the reason that it had. */
  readonly disabledReason?: string;
  readonly forcedDown?: boolean;
}

/**
 * The compute service of one cloud. Every function may log in first, takes a signal and settles soon after its abort with the reason.
 * @throws COMPUTE_SILENT, COMPUTE_LOGIN_REFUSED, COMPUTE_FORBIDDEN, COMPUTE_TOO_OLD, COMPUTE_BUSY, COMPUTE_REFUSED,
 *   COMPUTE_GARBLED from each of them
 */
export interface Compute {
  /** The name of the cloud in the configuration. */
  readonly cloud: string;
  /** The instances on a host. @throws COMPUTE_FORBIDDEN if the user sees no hosts: the service would answer with other instances */
  instancesOn(host: string, signal: AbortSignal): Promise<Instance[]>;
  /** One instance; null if there is none. */
  instance(uuid: string, signal: AbortSignal): Promise<Instance | null>;
  /** The nova-compute of a host; null if there is none. */
  service(host: string, signal: AbortSignal): Promise<ComputeService | null>;
  /** Every nova-compute. */
  services(signal: AbortSignal): Promise<ComputeService[]>;
  /** The migrations of an instance, the newest first. */
  migrationsOf(instance: string, signal: AbortSignal): Promise<InstanceMigration[]>;
  /** The newest migrations from or to a host, the newest first. */
  migrationsAt(host: string, signal: AbortSignal): Promise<InstanceMigration[]>;
  /** The actions of an instance, the newest first. */
  actionsOf(instance: string, signal: AbortSignal): Promise<InstanceAction[]>;
  /** The outcome of an action of an instance; null if the service knows none with this request id. */
  actionOf(instance: string, requestId: string, signal: AbortSignal): Promise<InstanceAction | null>;
  /**
   * Gives an order, once. Never rejects; an abort of the signal ends the waiting for the answer.
   * @param by the uuid of the action that orders it: it becomes the global request id of all that the service says about it
   */
  order(instance: string, order: InstanceOrder, by: string, signal: AbortSignal): Promise<Sent>;
  /** Changes a compute service; the same values again change nothing. @returns the service as it is afterwards */
  updateService(uuid: string, patch: ServicePatch, by: string, signal: AbortSignal): Promise<ComputeService>;
}

/** The clouds that the conductor may speak to. */
export interface Clouds {
  readonly names: readonly string[];
  /** @throws CLOUD_UNKNOWN if no cloud of this name is configured */
  of(name: string): Compute;
}

/** What a pretended cloud consists of. */

/** One nova-compute and the hypervisor below it. */
export interface SimComputeHost {
  readonly name: string;
  readonly serviceUuid: string;
  status: 'enabled' | 'disabled';
  reason: string | null;
  forcedDown: boolean;
  /** Its process runs. */
  alive: boolean;
  /** When it stopped, by the monotonic clock. */
  diedAt: number;
  /** Instances were evacuated from it, and it has not started since. */
  evacuated: boolean;
  /** How many instances there is room for. */
  capacity: number;
}

/** One entry of os-instance-actions. */
export interface SimAction {
  readonly action: string;
  readonly requestId: string;
  message: string | null;
  readonly events: { readonly event: string; readonly result: 'Success' | 'Error'; readonly details: string | null }[];
}

/** One instance. */
export interface SimInstance {
  readonly uuid: string;
  readonly name: string;
  host: string;
  vmState: 'active' | 'stopped' | 'paused' | 'suspended' | 'resized' | 'error' | 'building';
  taskState: string | null;
  fault: string | null;
  /** What a confirmed or reverted move leaves it as. */
  before: 'active' | 'stopped';
  readonly actions: SimAction[];
  /** It may not be on a host with another instance of the same group. */
  group: string | null;
}

/** One row of os-migrations. */
export interface SimMigration {
  readonly id: number;
  readonly uuid: string;
  readonly type: 'live-migration' | 'migration' | 'evacuation';
  readonly instance: string;
  readonly source: string;
  dest: string | null;
  status: string;
}

/** The status of an instance, as the service makes it from its two states. */
export function statusOf({ vmState, taskState }: SimInstance): string {
  if (taskState === 'migrating') return 'MIGRATING';
  if (taskState === 'rebuilding') return 'REBUILD';
  if (taskState === 'resize_reverting') return 'REVERT_RESIZE';
  if (taskState?.startsWith('resize_') && vmState !== 'error') return 'RESIZE';
  return STATUS[vmState];
}

const STATUS = {
  active: 'ACTIVE',
  stopped: 'SHUTOFF',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  resized: 'VERIFY_RESIZE',
  error: 'ERROR',
  building: 'BUILD',
} as const;

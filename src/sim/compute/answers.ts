/** Answers of a pretended compute service, and how it writes what it has. */
import { type SimAction, type SimComputeHost, type SimInstance, type SimMigration, statusOf } from './model.ts';
import type { SimCloud } from './sim_cloud.ts';

/** One answer. */
export interface WebAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent: there is no body. */
  readonly body?: unknown;
}

const KINDS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'error',
  403: 'forbidden',
  404: 'itemNotFound',
  406: 'computeFault',
  409: 'conflictingRequest',
  503: 'serviceUnavailable',
};

/** An error, in the form of its status. */
export function errorOf(status: number, message: string): WebAnswer {
  return { status, body: { [KINDS[status] ?? 'computeFault']: { code: status, message } } };
}

/** An instance, as an admin or a member sees it. */
export function serverPage(instance: SimInstance, isAdmin: boolean): object {
  const { uuid: id, name, host, vmState, taskState, fault } = instance;
  return {
    id,
    name,
    status: statusOf(instance),
    'OS-EXT-STS:vm_state': vmState,
    'OS-EXT-STS:task_state': taskState,
    'OS-EXT-STS:power_state': vmState === 'active' || vmState === 'resized' ? 1 : 4,
    'OS-EXT-AZ:availability_zone': 'nova',
    ...(isAdmin && { 'OS-EXT-SRV-ATTR:host': host, 'OS-EXT-SRV-ATTR:hypervisor_hostname': host }),
    ...(vmState === 'error' && fault !== null && { fault: { code: 500, message: fault } }),
  };
}

/** A nova-compute. */
export function servicePage(host: SimComputeHost, cloud: SimCloud): object {
  return {
    id: host.serviceUuid,
    binary: 'nova-compute',
    host: host.name,
    zone: 'nova',
    status: host.status,
    state: cloud.stateOf(host),
    disabled_reason: host.reason,
    forced_down: host.forcedDown,
    updated_at: cloud.reportedAt(host),
  };
}

/** A migration. */
export function migrationPage({ id, uuid, type, instance, source, dest, status }: SimMigration): object {
  return {
    id,
    uuid,
    migration_type: type,
    status,
    instance_uuid: instance,
    source_compute: source,
    source_node: source,
    dest_compute: dest,
    dest_node: dest,
  };
}

/** An entry of os-instance-actions; its events are shown only where one is asked for. */
export function actionPage({ action, requestId, message, events }: SimAction, isWhole: boolean): object {
  return { action, request_id: requestId, message, ...(isWhole && { events }) };
}

/**
 * The notifications of power orders. Envelope and payload are those of Ironic's versioned notifications
 * (NodePayload 1.0 and its extensions), with the power task added; docs/decisions/013_baremetal_payloads.md says where
 * ours differ.
 */

import { isAbort } from '../../core/power.ts';
import { actionOf } from '../store/power_tasks.ts';
import type { NodeRow, PowerTaskRow } from '../store/rows.ts';
import { type Announcement, toldActor } from './announce.ts';

const OBJECT_NAMES = {
  power_set: 'NodeSetPowerStatePayload',
  power_abort: 'NodePowerAbortPayload',
  power_state_corrected: 'NodeCorrectedPowerStatePayload',
};

/** Milliseconds since 1970 as Ironic writes times inside payloads. */
function timeText(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** A node as notifications tell of it: one that was not enrolled has no times. */
export type ToldNode = Pick<
  NodeRow,
  | 'uuid'
  | 'name'
  | 'driver'
  | 'driverInfo'
  | 'zone'
  | 'labels'
  | 'maintenance'
  | 'maintenanceReason'
  | 'powerState'
  | 'targetPowerState'
  | 'lastError'
> & {
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
};

/** The node as Ironic's payloads describe it. Keys that have no counterpart here are null; driver_info never appears. */
export function nodeData(node: ToldNode): Record<string, unknown> {
  return {
    uuid: node.uuid,
    name: node.name,
    driver: node.driver,
    power_state: node.powerState,
    target_power_state: node.targetPowerState,
    last_error: node.lastError === '' ? null : node.lastError,
    maintenance: node.maintenance,
    maintenance_reason: node.maintenanceReason === '' ? null : node.maintenanceReason,
    extra: node.labels,
    properties: { zone: node.zone },
    clean_step: null,
    console_enabled: null,
    inspection_finished_at: null,
    inspection_started_at: null,
    instance_uuid: null,
    network_interface: null,
    provision_state: null,
    provision_updated_at: null,
    resource_class: null,
    target_provision_state: null,
    created_at: timeText(node.createdAt),
    updated_at: timeText(node.updatedAt),
  };
}

function taskData(task: PowerTaskRow): Record<string, unknown> {
  return {
    uuid: task.uuid,
    target: task.target,
    state: task.state,
    old_state: task.previousState,
    request_id: task.requestId ?? '',
    action_uuid: actionOf(task),
    plan_uuid: task.planUuid,
    reason: task.reason,
    ordered_by: toldActor(task.orderedBy, task.orderedFor),
    before_power_state: task.beforePowerState,
    observed_power_state: task.observedPowerState,
    error_code: task.errorCode,
    error_message: task.errorMessage === '' ? null : task.errorMessage,
    may_still_change_until: timeText(task.mayChangeUntil),
  };
}

function abortData(task: PowerTaskRow): Record<string, unknown> | null {
  if (task.abortRequestedAt === null) return null;
  return {
    outcome: task.abortOutcome,
    reason: task.abortReason,
    observed: task.abortObserved,
    task_uuid: task.abortTaskUuid,
    aborts_task_uuid: task.abortsTaskUuid,
    requested_at: timeText(task.abortRequestedAt),
  };
}

/** A versioned object of Ironic. */
export function versioned(name: string, data: Record<string, unknown>): Announcement['payload'] {
  return {
    'ironic_object.namespace': 'ironic',
    'ironic_object.name': name,
    'ironic_object.version': '1.0',
    'ironic_object.data': data,
  };
}

/** The notification of this type about a power task, with its node as the same transaction leaves it. */
export function powerTaskAnnouncement(eventType: string, task: PowerTaskRow, node: NodeRow): Announcement {
  const kind = isAbort(task.target) ? 'power_abort' : 'power_set';
  const data = { ...nodeData(node), to_power: task.target, power_task: taskData(task), abort: abortData(task) };
  const priority = eventType.endsWith('.error') ? 'ERROR' : 'INFO';
  return { eventType, priority, payload: versioned(OBJECT_NAMES[kind], data) };
}

/** The notification that a reading found the node in another state than was known. */
export function correctedAnnouncement(
  node: NodeRow,
  fromPower: NodeRow['powerState'],
  lateTask: string | null,
): Announcement {
  const data = { ...nodeData(node), from_power: fromPower, late_change_of: lateTask };
  return {
    eventType: 'baremetal.node.power_state_corrected.success',
    priority: 'INFO',
    payload: versioned(OBJECT_NAMES.power_state_corrected, data),
  };
}

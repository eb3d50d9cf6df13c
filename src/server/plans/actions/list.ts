/** The action types. To add one, write it in a file of its own and add it here. */
import type { ActionType } from './action_type.ts';
import { changeNodePowerState } from './change_node_power_state.ts';
import { changeComputeServiceState } from './compute/change_compute_service_state.ts';
import { checkComputeHost } from './compute/check_compute_host.ts';
import { evacuateInstance } from './compute/evacuate_instance.ts';
import { startInstance, stopInstance } from './compute/instance_power.ts';
import { migrate } from './compute/migrate.ts';
import { nop } from './nop.ts';
import { setNodeMaintenance } from './set_node_maintenance.ts';
import { sleep } from './sleep.ts';

/** Every action type. */
export const ACTION_TYPES = [
  nop,
  sleep,
  changeNodePowerState,
  setNodeMaintenance,
  changeComputeServiceState,
  migrate,
  stopInstance,
  startInstance,
  checkComputeHost,
  evacuateInstance,
] as readonly ActionType[];

/** The type of a name, or null. */
export function findActionType(name: string): ActionType | null {
  return ACTION_TYPES.find((type) => type.name === name) ?? null;
}

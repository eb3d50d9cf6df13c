/** The action types. To add one, write it in a file of its own and add it here. */
import type { ActionType } from './action_type.ts';
import { changeNodePowerState } from './change_node_power_state.ts';
import { nop } from './nop.ts';
import { setNodeMaintenance } from './set_node_maintenance.ts';
import { sleep } from './sleep.ts';

/** Every action type. */
export const ACTION_TYPES = [nop, sleep, changeNodePowerState, setNodeMaintenance] as readonly ActionType[];

/** The type of a name, or null. */
export function findActionType(name: string): ActionType | null {
  return ACTION_TYPES.find((type) => type.name === name) ?? null;
}

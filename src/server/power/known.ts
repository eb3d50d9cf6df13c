/** What a reading makes known, as it is written to the node and to the power task. */
import type { Reading } from '../../core/power.ts';
import type { PowerTaskPatch } from './transition.ts';

/** What a node is known to be after a reading. Without its time, what was known of the time stays. */
export function knownFrom({ powerState, readAt }: Reading): NonNullable<PowerTaskPatch['node']> {
  return { powerState, ...(readAt === undefined ? {} : { powerStateReadAt: readAt }) };
}

/** What a power task has seen after a reading. */
export function observedAs({ powerState, readAt }: Reading): NonNullable<PowerTaskPatch['task']> {
  return { observedPowerState: powerState, ...(readAt === undefined ? {} : { observedReadAt: readAt }) };
}

/** What a reading makes known, as it is written to the node and to the power task. */
import type { Reading } from '../../core/power.ts';
import type { PowerTaskPatch, TaskAndNode } from './transition.ts';

/** What a node is known to be after a reading. Without its time, what was known of the time stays. */
export function knownFrom({ powerState, readAt }: Reading): NonNullable<PowerTaskPatch['node']> {
  return { powerState, ...(readAt === undefined ? {} : { powerStateReadAt: readAt }) };
}

/** What a power task has seen after a reading. */
export function observedAs({ powerState, readAt }: Reading): NonNullable<PowerTaskPatch['task']> {
  return { observedPowerState: powerState, ...(readAt === undefined ? {} : { observedReadAt: readAt }) };
}

/**
 * The last reading that a task and its node know of, or null. A later one that only confirmed the state is written to the node
 * alone.
 */
export function lastReadingOf({ task, node }: TaskAndNode): Reading | null {
  const { observedPowerState, observedReadAt } = task;
  if (observedPowerState === null) return null;
  const times = node.powerState === observedPowerState ? [observedReadAt, node.powerStateReadAt] : [observedReadAt];
  const readAt = Math.max(...times.map((at) => at ?? Number.NEGATIVE_INFINITY));
  return { powerState: observedPowerState, readAt: Number.isFinite(readAt) ? readAt : undefined };
}

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
 * The last reading that a task and its node know of, or null. One that only confirmed the state was written to the node alone,
 * after those of the task.
 */
export function lastReadingOf({ task, node }: TaskAndNode): Reading | null {
  const { observedPowerState: powerState, observedReadAt } = task;
  if (powerState === null) return null;
  const isConfirmed = observedReadAt !== null && node.powerState === powerState;
  return { powerState, readAt: (isConfirmed ? node.powerStateReadAt : observedReadAt) ?? undefined };
}

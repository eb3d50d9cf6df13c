/** What a turn does with an order, in words, and what the tables of its tests are made of. */
import type { OrderStep } from '../../../src/server/power/order_step.ts';
import type { Repetition } from '../../../src/server/power/repeated_orders.ts';
import type { TaskWrite } from '../../../src/server/power/task_writes.ts';
import type { PowerTaskRow } from '../../../src/server/store/rows.ts';
import { nodeRow, taskRow } from '../rows.ts';

/** When the tables are read. */
export const NOW = 1_000_000;
/** The time, and the times that rule orders and aborts. */
export const FACTS = {
  now: NOW,
  abortTimeoutMs: 30_000,
  softPowerOffTimeoutMs: 600_000,
  repetitionWindowMs: 60_000,
};

/** The node that all is about. */
export const NODE = nodeRow({ uuid: 'node', name: 'n1', fence: 7, agentUuid: 'agent-1', bmcPlace: '10.0.0.1' });

/** A power task of the node with this uuid: a soft power off, five seconds old. */
export function taskNamed(uuid: string, more: Partial<PowerTaskRow> = {}): PowerTaskRow {
  const sendingAt = (more.state ?? 'QUEUED') === 'QUEUED' ? null : NOW - 1000;
  return taskRow(NODE, { uuid, target: 'soft power off', phase: 'DOWN', createdAt: NOW - 5000, sendingAt, ...more });
}

/** Writes, for example `order_abort own, abort holder`. */
export function wordsOfWrites(writes: readonly TaskWrite[]): string {
  const words = (write: TaskWrite): string => {
    if (write.kind === 'create') return `${write.event} ${write.task.uuid}`;
    return `${write.kind === 'move' ? write.event : write.kind} ${write.taskUuid}`;
  };
  return writes.map(words).join(', ');
}

/** A step, for example `order_abort own, abort holder; tells holder`, or the sentence of its refusal. */
export function wordsOfStep(step: OrderStep | Repetition | null): string {
  if (step === null) return 'not given before';
  if (step.kind === 'answer') return `is ${step.task.uuid}`;
  if (step.kind === 'refuse') return `${step.error.code}: ${step.error.message}`;
  return `${wordsOfWrites(step.writes)}${step.tells === null ? '' : `; tells ${step.tells}`}`;
}

import type { OnOff, Reading } from '../../core/power.ts';
import type { AbortOutcome } from '../../core/states.ts';
import type { NodeRow } from '../store/rows.ts';
import type { TaskWrite } from './task_writes.ts';

/** The outcome of an abort, as it is written. */
export interface AbortEnd {
  readonly outcome: AbortOutcome;
  readonly reason: string;
  /** What was read at the end, if anything was. */
  readonly observed: Reading | null;
}

/** What an abort says of its outcome, in the rows of both tasks. */
export function saidOf({ outcome, reason, observed }: AbortEnd): {
  readonly abortOutcome: AbortOutcome;
  readonly abortReason: string;
  readonly abortObserved: OnOff | null;
} {
  return { abortOutcome: outcome, abortReason: reason, abortObserved: observed?.powerState ?? null };
}

/** What was aborted, and how that ended. @param asked why it was asked for, as whoever did has said; empty if not */
export const abortedWords = (what: string, asked: string, { reason }: AbortEnd): string =>
  `the ${what} was aborted${asked && ` (${asked})`}: ${reason}`;

/** The end of the abort's own task. */
export function endOfAbortTask(taskUuid: string, end: AbortEnd, node: Partial<NodeRow> = {}): TaskWrite {
  const failed = end.outcome === 'FAILED';
  const error = failed ? { errorCode: 'RECALL_FAILED' as const, errorMessage: end.reason } : {};
  const event = failed ? 'fail_abort' : 'end_abort';
  return { kind: 'move', event, taskUuid, patch: { task: { ...error, ...saidOf(end) }, node } };
}

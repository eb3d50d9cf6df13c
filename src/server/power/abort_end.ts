import type { OnOff, Reading } from '../../core/power.ts';
import type { AbortOutcome } from '../../core/states.ts';

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

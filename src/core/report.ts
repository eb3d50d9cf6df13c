/** How one power task stands at its agent. A report is always the whole truth, so that repeating it does no harm. */
import type { ErrorCode } from './errors.ts';
import type { NodeTraits, Phase, Reading } from './power.ts';
import type { AbortOutcome } from './states.ts';

/** How far an order got at the agent; null: this agent did not send it, it only looks. */
export type Sending = 'WAITING' | 'READY' | 'NOT_SENT' | 'ACCEPTED' | 'REFUSED' | 'UNKNOWN';

/** The outcome of an abort at the agent. */
export interface AbortReport {
  readonly outcome: AbortOutcome;
  readonly reason: string;
  readonly observed: Reading | null;
}

/** One report. */
export interface Report {
  readonly taskUuid: string;
  /** The fence under which the agent works on it; an older one is not listened to. */
  readonly fence: number;
  readonly phase: Phase;
  readonly sending: Sending | null;
  /** What the hardware of the node could do when it was asked before the order; null if it was not asked. */
  readonly traits: NodeTraits | null;
  /** The command that the BMC has accepted for this phase, in the words of its protocol; empty before, and if it has no words. */
  readonly sent: string;
  /** The reading just before the order. */
  readonly before: Reading | null;
  /** The last reading since. */
  readonly observed: Reading | null;
  /** The host was seen down or restarting since the order. */
  readonly seenDown: boolean;
  /** The last thing that went wrong. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  /** Why the last reading failed; null before the first, and after a good one. */
  readonly unreadable: { readonly code: ErrorCode; readonly message: string } | null;
  readonly abort: AbortReport | null;
}

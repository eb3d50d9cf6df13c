/** Who calls for a change. */
import type { TraceContext } from '../../core/tracing.ts';

/** For whom something is done, and by which call. */
export interface Actor {
  /** The name of the identity that called. */
  readonly identity: string;
  /** The name of the identity for which it called, as it said; null if it called for itself. */
  readonly onBehalfOf: string | null;
  /** The address that it called from, as far as that is known. */
  readonly peer?: string;
  /** Where the span of the call stands; absent or null if it is in no trace. */
  readonly trace?: TraceContext | null;
}

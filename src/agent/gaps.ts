/** How long an agent waits between two looks at the hardware, and before it tries again. */
import type { Reading } from '../core/power.ts';

/**
 * The gap between two polls grows from the first to the last of these. Most servers change within five seconds: so a change is seen
 * at most a second and a half late then, and half a second late in the first moments.
 */
const POLL_GAPS_MS = [500, 500, 500, 1000, 1000, 1500, 2000, 4000, 8000, 10_000] as const;
const CONFIRM_GAP_MS = 2000;
/** The gap before an idempotent command is prepared again grows from the first to the last of these. */
export const RETRY_GAPS_MS = [1000, 2000, 4000] as const;

/** The gap before the next poll: a short one while the last was doubtful, so that it is confirmed as soon as it can be. */
export function gapBefore(last: Reading | Error | null, polls: number): number {
  const gapMs = gapOf(POLL_GAPS_MS, polls);
  return last !== null && 'doubt' in last && last.doubt ? Math.min(gapMs, CONFIRM_GAP_MS) : gapMs;
}

/** The gap after the attempt with this number, counted from 0. */
export function gapOf(gapsMs: readonly number[], attempt: number): number {
  return gapsMs[Math.min(attempt, gapsMs.length - 1)] ?? 0;
}

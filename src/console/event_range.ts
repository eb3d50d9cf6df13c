/** Where in the numbers of the events a page begins. */

/** How many events from before are shown at first. */
const FROM_BEFORE = 100n;

/**
 * The numbers to begin with, one after another until one is accepted: conductors keep events for a time only.
 * @param last the last event that was seen; absent: none
 * @param newest the newest event that there is
 */
export function beginnings(last: bigint | undefined, newest: bigint): readonly bigint[] {
  const recent = newest > FROM_BEFORE ? newest - FROM_BEFORE + 1n : 1n;
  // 0 is the oldest event that is kept.
  return [...(last === undefined ? [] : [last + 1n]), recent, 0n];
}

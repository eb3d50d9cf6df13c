/** Requests that a client sends again because the answer was lost, with no id of its own. */
import { isDeepStrictEqual } from 'node:util';
import { isWithin } from '../core/clock.ts';

/** How long a request is taken for a repetition of an equal one: OpenStack's clients give up after 12 s. */
const REPEATED_WITHIN_MS = 15_000;

/** True if what was made at this time may have been asked for by an earlier attempt of the same request. */
export const isRecent = (at: Date | undefined, now: number): boolean =>
  at !== undefined && isWithin(REPEATED_WITHIN_MS, at.getTime(), now);

/** True if two values say the same. */
export const isEqual = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other);

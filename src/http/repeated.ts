/** Requests that a client sends again because the answer was lost, with no id of its own. */
import { isDeepStrictEqual } from 'node:util';
import type { Services } from '../server/api/services.ts';

/** True if what was made at this time may have been asked for by an earlier attempt of the same request. */
export type IsRecent = Services['isRecent'];

/** True if two values say the same. */
export const isEqual = (one: unknown, other: unknown): boolean => isDeepStrictEqual(one, other);

/**
 * Problems: why a node cannot be read. Whatever fails to read a node sets one, and the next good reading ends it. Only changes
 * are written, so a rack of dead BMCs costs one write per node, not one per attempt.
 */

import { type CountermandError, REFUSED_LOGINS } from '../../core/errors.ts';
import type { NodeRow, Problem } from '../store/rows.ts';
import { sameBmcWords } from './identity.ts';

/** What a failed reading says. */
export type Unreadable = Pick<CountermandError, 'code' | 'message'>;

/**
 * The problem after a reading: null after a good one, unless the node shares its BMC with another. The same object as before if
 * there is nothing to write: the sentence of a problem stays that of its first failure, except that a refused login says
 * when it is tried again.
 */
export function problemAfter(before: Problem | null, unreadable: Unreadable | null, now: number): Problem | null {
  if (unreadable === null) return isUnreadable(before) ? null : before;
  const { code, message } = unreadable;
  const same = before?.code === code && (before.message === message || !REFUSED_LOGINS.includes(code));
  return same ? before : { code, message, since: before?.since ?? now };
}

/** A problem says that the node cannot be read, unless it says that it shares its BMC with another. */
export function isUnreadable(problem: Problem | null): boolean {
  return problem !== null && problem.code !== 'BMC_TAKEN';
}

/** The problem of a node that shares its BMC with another. A node that cannot be read either says that, until it can. */
export function sameBmcProblem(
  before: Problem | null,
  other: Pick<NodeRow, 'name'>,
  place: string,
  now: number,
): Problem {
  const message = sameBmcWords(other, place);
  const same = before?.code === 'BMC_TAKEN' && before.message === message;
  return same ? before : { code: 'BMC_TAKEN', message, since: now };
}

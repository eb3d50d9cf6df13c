/**
 * Problems: why a node cannot be read. Whatever fails to read a node sets one, and the next good reading ends it. Only changes
 * are written, so a rack of dead BMCs costs one write per node, not one per attempt.
 */
import { type CountermandError, REFUSED_LOGINS } from '../../core/errors.ts';
import type { Reading } from '../../core/power.ts';
import { isAtRest } from '../../core/states.ts';
import { newIn, patched } from './columns.ts';
import type { Transaction } from './database.ts';
import { sameBmcWords } from './identity.ts';
import { findNode, writeNode } from './nodes.ts';
import { findPowerTask } from './power_tasks.ts';
import { type NodeRow, type PowerTaskRow, type Problem, powerTaskCodec } from './rows.ts';
import type { Store } from './store.ts';

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

/**
 * Writes why a node cannot be read, also to the power task that holds it; null: the last reading was good. If that is as it
 * was, nothing is written.
 * @param last the last good reading, if one is known: a node that still is what it was is known to be so since then
 */
export async function noteNodeProblem(
  uuid: string,
  unreadable: Unreadable | null,
  last: Reading | null,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const before = await findNode(uuid, transaction.sql);
  if (before === null) return;
  const problem = problemAfter(before.problem, unreadable, store.clock.now());
  const patch = { problem, ...readAgain(before, last) };
  if (problem !== before.problem) await writeNode(before, patch, CAUSE, transaction, store);
  const holder = before.heldBy === null ? null : await findPowerTask(before.heldBy, transaction.sql);
  if (holder !== null && !isAtRest(holder.state)) await noteTaskProblem(holder, unreadable, transaction, store);
}

function readAgain({ powerState, powerStateReadAt }: NodeRow, last: Reading | null): Partial<NodeRow> {
  const { readAt } = last ?? {};
  const later = last?.powerState === powerState && readAt !== undefined && readAt > (powerStateReadAt ?? 0);
  return later ? { powerStateReadAt: readAt } : {};
}

async function noteTaskProblem(
  before: PowerTaskRow,
  unreadable: Unreadable | null,
  transaction: Transaction,
  store: Store,
): Promise<void> {
  const { uuid, revision } = before;
  const now = store.clock.now();
  const problem = problemAfter(before.problem, unreadable, now);
  if (problem === before.problem) return;
  const written = { problem, updatedAt: now, revision: revision + 1 };
  await transaction.direct.update('power_tasks', powerTaskCodec.encode(newIn(before, written)), { uuid, revision });
  transaction.changed({ kind: 'task', task: patched(before, written) });
}

/** A problem is no change of the cluster model. */
const CAUSE = { why: 'it could not be read, or can be read again', actionUuid: null };

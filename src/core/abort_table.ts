/**
 * The abort table of the abort spec ("Task control functions for long running tasks"), as docs/decisions.md reads it:
 * an abort matches a task of its own kind in its abortable part; everything else is nothing to abort, never an error.
 */
import {
  type AbortTarget,
  abortTargetOf,
  isAbort,
  type Phase,
  shownTarget,
  TARGET_TABLE,
  type Target,
} from './power.ts';
import { isAtRest, type PowerTaskState } from './states.ts';

/** The part of a power task that the table looks at. */
export interface Abortable {
  readonly uuid: string;
  readonly target: Target;
  readonly phase: Phase;
  readonly state: PowerTaskState;
}

/** The answer of the table: the task to abort, or why there is none. */
export type AbortVerdict = { readonly matches: true } | { readonly matches: false; readonly reason: string };

const nothing = (reason: string): AbortVerdict => ({ matches: false, reason });

/**
 * Which task an abort means, if any.
 * @param abort the abort that is asked for
 * @param holder the unsettled task that holds the node, or null
 * @param named the only task that may be aborted, if the client named one
 */
export function judgeAbort(abort: AbortTarget, holder: Abortable | null, named: string | null): AbortVerdict {
  if (holder === null) return nothing('no power task holds the node');
  if (named !== null && named !== holder.uuid)
    return nothing(`the node is held by power task ${holder.uuid}, not by ${named}`);
  const aborts = TARGET_TABLE[abort].aborts;
  if (holder.target !== aborts)
    return nothing(`the node is held by a ${holder.target}, and ${abort} aborts only a ${aborts}`);
  if (holder.state === 'ABORTING') return nothing('it is already being aborted');
  if (holder.phase === 'FORCED_DOWN') return nothing('forced off under way after a timeout');
  const shown = shownTarget(holder.target, holder.phase);
  const abortable = aborts === 'inject nmi' ? 'inject nmi' : 'soft power off';
  if (shown !== abortable) return nothing('the host is down and is being powered on again');
  return { matches: true };
}

/** What can be done with a power task now, in words of the command line. */
export function possibleWith(task: Abortable & { readonly nodeName: string }): string[] {
  if (isAbort(task.target) || isAtRest(task.state)) return [];
  if (task.state === 'QUEUED') return [`power withdraw ${task.uuid}`];
  const abort = abortTargetOf(task.target);
  if (abort === null || !judgeAbort(abort, task, null).matches) return [];
  return [`node power ${task.nodeName} ${TARGET_TABLE[abort].word}`];
}

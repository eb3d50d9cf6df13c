/**
 * The abort table of the abort spec ("Task control functions for long running tasks"), as
 * docs/decisions/002_abort_matches_tasks.md reads it: an abort matches a task of its own kind in its abortable part;
 * everything else is nothing to abort, never an error.
 */
import { type AbortTarget, type Phase, type Recall, shownTarget, TARGET_TABLE, type Target } from './power.ts';
import type { PowerTaskState } from './states.ts';

/** The part of a power task that the table looks at. */
interface Abortable {
  readonly uuid: string;
  readonly target: Target;
  readonly phase: Phase;
  readonly state: PowerTaskState;
}

/** A task that was given up and may still take effect: its node shows *may still change*. */
export interface GivenUp extends Abortable {
  readonly recall: Recall;
  /** Another abort is taking it back. */
  readonly beingRecalled: boolean;
}

/** The answer of the table: that there is a task to abort, which is the holder or else what was given up, or why there is none. */
type AbortVerdict = { readonly matches: true } | { readonly matches: false; readonly reason: string };

const nothing = (reason: string): AbortVerdict => ({ matches: false, reason });

/**
 * Which task an abort means, if any.
 * @param abort the abort that is asked for
 * @param holder the unsettled task that holds the node, or null
 * @param named the only task that may be aborted, if the client named one
 * @param givenUp if no task holds the node: the order that was given up and may still change it, or null
 */
export function judgeAbort(
  abort: AbortTarget,
  holder: Abortable | null,
  named: string | null,
  givenUp: GivenUp | null = null,
): AbortVerdict {
  if (holder === null) return judgeGivenUp(abort, givenUp, named);
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

/** The order was given up; where the hardware can, it is still taken back. */
function judgeGivenUp(abort: AbortTarget, givenUp: GivenUp | null, named: string | null): AbortVerdict {
  const free = 'no power task holds the node';
  if (givenUp === null) return nothing(free);
  const { uuid, target, phase, recall, beingRecalled } = givenUp;
  const which = `${free}; the ${target} that was given up (power task ${uuid})`;
  if (named !== null && named !== uuid) return nothing(`${which} is not ${named}`);
  if (target !== TARGET_TABLE[abort].aborts) return nothing(`${which} is none that ${abort} aborts`);
  if (phase !== 'DOWN') return nothing(`${which} is past the part that can be aborted`);
  if (recall !== 'BY_HARDWARE') return nothing(`${which} cannot be taken back by this hardware`);
  if (beingRecalled) return nothing('it is already being aborted');
  return { matches: true };
}

/** Long work, in portions: whoever has many takes turns with all others who have. */
import { othersFirst } from './clock.ts';
import { abortable, openCancellation } from './signals.ts';

/** What waits for its next portion, in the order of coming. */
const portions: Set<() => void> = new Set();
let isPlanned = false;

async function plan(): Promise<void> {
  if (isPlanned || portions.size === 0) return;
  isPlanned = true;
  await othersFirst();
  isPlanned = false;
  const [first] = portions;
  if (first === undefined) return;
  portions.delete(first);
  void plan();
  first();
}

const NEVER = openCancellation([]).signal;

/**
 * Lets all that has already arrived over sockets be taken up between two portions of long work. Of all that wait here, one goes on
 * in each turn of the event loop: however many calls mean much work, others wait for one portion of one of them. Rejects with the
 * reason of the abort, at once: what is not wanted any more has no turn.
 */
export function nextPortion(signal: AbortSignal = NEVER): Promise<void> {
  return abortable<void>((resolve) => {
    portions.add(resolve);
    void plan();
    return () => portions.delete(resolve);
  }, signal);
}

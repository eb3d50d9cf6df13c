/** BMCs that start anew every now and then, as those do whose firmware is bad. */
import { type Chance, jitter } from '../../core/chance.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { SimBmc } from './sim_bmc.ts';

/** How often, and how long it takes; both in milliseconds. */
export interface RestartPlan {
  readonly everyMs: number;
  /** How long a BMC is silent; then its sessions are gone. */
  readonly silentMs: number;
  /** How long it then answers with errors when it is asked for the power state, */
  readonly failsMs?: number;
  /** How long it then says that the server is off, whatever it is. */
  readonly readsOffMs?: number;
}

/** The share by which the time varies, so that BMCs do not stay in step. */
const VARIES = 0.2;

/** Restarts each of these BMCs again and again, each at times of its own. @returns how to stop that */
export function keepRestarting(
  bmcs: readonly SimBmc[],
  { everyMs, silentMs, failsMs, readsOffMs }: RestartPlan,
  clock: Clock,
  chance: Chance,
): () => void {
  const timers = new Map<SimBmc, Timer>();
  const restartIn = (delayMs: number, bmc: SimBmc): void => {
    const restart = (): void => {
      bmc.restart(silentMs, failsMs, readsOffMs);
      restartIn(jitter(everyMs, VARIES, chance), bmc);
    };
    timers.set(bmc, clock.after(delayMs, restart));
  };
  for (const bmc of bmcs) restartIn(everyMs * chance.fraction(), bmc);
  return () => {
    for (const timer of timers.values()) timer.cancel();
    timers.clear();
  };
}

/** Turns at BMCs by where they really are: however many nodes and names mean one BMC, it has one queue. */
import type { Clock } from '../core/clock.ts';
import type { Bmc, Driver } from '../drivers/driver.ts';
import { BmcQueue, type Rank } from './bmc_queue.ts';
import { Remembered } from './remembered.ts';

/** The turns of one node at its BMC. */
export interface Turns {
  /**
   * Waits for a turn at the BMC and runs `work` in it. When the turn comes, the name of the BMC is looked up again if an order
   * follows; a name that has moved meanwhile waits again, where the BMC is now. An abort while it waits rejects with its reason.
   * @throws BMC_NAME_UNKNOWN; then `work` was not run
   */
  turn<T>(rank: Rank, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** The queues of all BMCs of an agent, by place. */
export class Queues {
  readonly #clock: Clock;
  readonly #byPlace: Remembered<BmcQueue>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#byPlace = new Remembered(clock);
  }

  /** The turns of a node at its BMC. @param restMs the rest between two turns, unless the BMC has a queue already */
  turnsAt(driver: Driver, bmc: Bmc<unknown>, restMs: number): Turns {
    return {
      turn: async <T>(rank: Rank, work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
        let place = await driver.locate(bmc, 'recent', signal);
        for (;;) {
          const inTurn = async (): Promise<{ readonly done: T } | { readonly movedTo: string }> => {
            const now = await driver.locate(bmc, rank === 'order' ? 'anew' : 'recent', signal);
            return now === place ? { done: await work() } : { movedTo: now };
          };
          const ended = await this.#queueAt(place, restMs).turn(rank, inTurn, signal);
          if ('done' in ended) return ended.done;
          place = ended.movedTo;
        }
      },
    };
  }

  #queueAt(place: string, restMs: number): BmcQueue {
    const queue = this.#byPlace.get(place) ?? new BmcQueue(restMs, this.#clock);
    this.#byPlace.set(place, queue);
    return queue;
  }
}

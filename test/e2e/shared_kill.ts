/**
 * One SIGKILL for many: a house costs a second of processor time with its processes, and each moment that a kill can come at wants nodes and BMCs of
 * its own, but no house of its own.
 */
import type { ExecutionContext } from 'ava';
import type { House } from './house.ts';
import type { Listener, Victim } from './killing.ts';

/** How long what is at its moment stays there. What stays for long is brought there first. */
const DURATIONS = ['long', 'ten seconds', 'six seconds', 'an instant'] as const;

/** What one of them is given. */
export interface Scene {
  readonly house: House;
  readonly victim: Victim;
  /** Resolves when all that stay longer at their moment are there. */
  turn(): Promise<void>;
  /** Says that the moment is there. Resolves when the victim is dead, which dies when all have said so. */
  killed(): Promise<void>;
  /** Says that the victim may live again. Resolves when it serves, which is started when all have said so. */
  started(): Promise<void>;
}

/** A moment that a kill can come at, and what must be true after it. Its nodes and plans have names that no other has. */
export interface Moment {
  readonly title: string;
  readonly lasts: (typeof DURATIONS)[number];
  show(t: ExecutionContext, scene: Scene): Promise<void>;
}

/** A house, who is killed in it, and who listens meanwhile. */
export interface Stage {
  readonly house: House;
  readonly victim: Victim;
  readonly listener: Listener;
}

/** Resolves when as many have arrived as it was told beforehand. */
class Gathering {
  readonly complete: Promise<void>;
  readonly #resolve: () => void;
  #missing: number;

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.complete = promise;
    this.#resolve = resolve;
    this.#missing = count;
    if (count === 0) resolve();
  }

  arrive(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve();
  }
}

/** Brings all to their moments, kills the victim once, starts it again, and resolves when each has shown what it is for. */
export async function killOnce(t: ExecutionContext, stage: Stage, moments: readonly Moment[]): Promise<void> {
  const { house, victim, listener } = stage;
  const countOf = (duration: Moment['lasts']): number => moments.filter(({ lasts }) => lasts === duration).length;
  const arrivals = DURATIONS.map((duration) => new Gathering(countOf(duration)));
  const ready = new Gathering(moments.length);
  const dead = Promise.all(arrivals.map(({ complete }) => complete)).then(() => house.kill(victim.part));
  const serving = ready.complete.then(async () => {
    await house.start(victim.part);
    listener.resume();
  });
  const sceneOf = ({ lasts }: Moment): Scene => {
    const at = DURATIONS.indexOf(lasts);
    return {
      house,
      victim,
      turn: async () => void (await Promise.all(arrivals.slice(0, at).map(({ complete }) => complete))),
      killed: () => {
        arrivals[at]?.arrive();
        return dead;
      },
      started: () => {
        ready.arrive();
        return serving;
      },
    };
  };
  await Promise.all(
    moments.map(async (moment) => {
      try {
        await moment.show(t, sceneOf(moment));
      } catch (error) {
        t.log(`this was the moment: ${moment.title}`);
        throw error;
      }
    }),
  );
}

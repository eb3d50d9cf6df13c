/** What goes wrong where several conductors stand on one database: sleep, cuts between each of them and the database, and both at once. */

import type { ClockSkew } from '../world/process.ts';
import type { ConductorHost, Several, SeveralSettings } from '../world/several.ts';
import type { Move, Simulation } from './simulation.ts';

/** How many conductors there are. */
const HOSTS = 3;
const MINUTE_MS = 60_000;

/** Some seeds have three conductors on one database; the others one, on a file. */
export function severalOf(seed: number): SeveralSettings | undefined {
  if (seed % 11 > 3) return undefined;
  const [aheadMs, faster] = seed % 11 === 3 ? [10 * MINUTE_MS, 0.02] : [0, 0];
  const clocks = Array.from(
    { length: HOSTS },
    (_, at): ClockSkew => ({ aheadMs: at * aheadMs, speed: 1 + at * faster }),
  );
  return { leaseMs: 3000, clocks, agentsInside: seed % 11 === 1 || seed % 11 === 2 };
}

/** How far the times of two hosts may be apart, in milliseconds: as much as their clocks differ, and as one of them is faster in a while. */
export function differenceOf({ clocks }: SeveralSettings): number {
  const widest = (of: (skew: ClockSkew) => number): number => Math.max(...clocks.map(of)) - Math.min(...clocks.map(of));
  return widest(({ aheadMs }) => aheadMs) + widest(({ speed }) => speed) * 20 * MINUTE_MS;
}

/** As long as an eye blinks, and longer than every lease. */
const WHILES_MS = [500, 2000, 2900, 4000, 8000, 40_000];

/** The moves. */
export function faultsOfSeveral(several: Several, simulation: Simulation): Move[] {
  const { world, chance } = simulation;
  const aWhile = (): number => chance.pick(WHILES_MS);
  const any = (): ConductorHost => chance.pick(several.hosts);
  const cutLinks = (): void => {
    for (const { link, home } of world.agents.values()) if (home === null) link?.cut();
  };
  /** Something happens to the leader at one of its next commits: it holds what it was about to say. */
  const atACommit = (happens: (leader: ConductorHost) => void): void => {
    const act = async (): Promise<void> => {
      if (several.leader) happens(several.leader);
    };
    if (chance.happens(0.5)) simulation.ambushAtLeave(act);
    else simulation.ambush(chance.between(1, 15), act);
  };
  /** A call waits at the door of one that sleeps, and is the first thing that it finds. */
  const callAtTheDoor = ({ process, term }: ConductorHost): void => {
    const ordered = async (): Promise<void> => {
      await process.untilAwake();
      if (term === null || term.leading?.objection()) return;
      const target = chance.pick(['power off', 'soft power off', 'rebooting'] as const);
      const { uuid } = await world.orderAt(term.conductor, chance.pick([...world.hardware.keys()]), target);
      simulation.accepted.push(uuid);
    };
    ordered().catch(() => {});
  };
  return [
    [1, () => several.pause(any(), aWhile())],
    [1, () => several.cutOff(any(), aWhile())],
    [
      3,
      () =>
        atACommit((leader) => {
          several.pause(leader, aWhile());
          // Else the answer to the commit is the first thing that it finds, however old that is.
          if (chance.happens(0.5)) callAtTheDoor(leader);
        }),
    ],
    [3, () => atACommit((leader) => several.cutOff(leader, aWhile()))],
    // Leave to send travels to an agent inside it, and finds that asleep with its conductor. They wake when another one leads.
    [
      world.latencyMs > 0 ? 4 : 0,
      () =>
        simulation.ambushAtLeave(async () => {
          const { leader } = several;
          const ms = chance.pick([4000, 8000]);
          if (leader) world.clock.after(chance.between(1, world.latencyMs), () => several.pause(leader, ms));
        }),
    ],
    // Its session ends while it cannot know, and its agents look for a conductor meanwhile.
    [
      4,
      () =>
        atACommit((leader) => {
          if (chance.happens(0.3)) several.pause(leader, aWhile());
          else several.cutOff(leader, aWhile());
          several.endSession();
          // The next one leads for a moment only, and the one after it has to know of both.
          if (chance.happens(0.3)) world.clock.after(chance.pick([600, 1200, 2000]), () => several.resign());
          for (const afterMs of [400, 800, 1200, 1600, 2000])
            if (chance.happens(0.6)) world.clock.after(afterMs, cutLinks);
        }),
    ],
  ];
}

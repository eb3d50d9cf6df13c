/** Hears every commit, and sees that no node goes back to an older reading. */
import type { NodeRow } from '../../src/server/store/rows.ts';
import type { World } from '../world/world.ts';
import { insist } from './insist.ts';

/** Who hears of the readings. */
export class Readings {
  readonly #world: World;
  readonly #times = new Map<string, number>();
  readonly #wrong: string[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  hearNode({ uuid, name, powerState, powerStateReadAt }: NodeRow): void {
    const { clock, latencyMs } = this.#world;
    const { forwardMs, backMs } = clock.set;
    const before = this.#times.get(uuid) ?? 0;
    // The age of a reading does not count its way to the conductor, on which messages wait for those before them.
    const backBy = before - (powerStateReadAt ?? before) - 10 * latencyMs;
    if (backBy > 0 && forwardMs + backMs === 0)
      this.#wrong.push(`${name} is ${powerState} again, by a reading that was ${backBy} ms before the last one`);
    if (powerStateReadAt !== null) this.#times.set(uuid, powerStateReadAt);
  }

  /** After every step. */
  check(): void {
    insist(this.#wrong.length === 0, this.#wrong[0] ?? '');
  }
}

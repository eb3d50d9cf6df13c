/** GUIDs that take a question of their own: remembered for readings, asked anew before an order. */
import type { Clock } from '../core/clock.ts';
import type { LookupAge } from './lookups.ts';

/** A reading may bear a GUID that was read this long ago. An order never relies on one. */
const RECENT_MS = 600_000;
/** How many BMCs are remembered: more than one agent has. */
const LIMIT = 50_000;

interface Known {
  readonly guid: string | undefined;
  readonly at: number;
}

/** The GUIDs of BMCs, by their places. */
export class Guids {
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The GUID at a place; `ask` is called if it is not known, not recent, or needed anew. What `ask` throws is thrown. */
  async at(place: string, age: LookupAge, ask: () => Promise<string | undefined>): Promise<string | undefined> {
    const known = this.#known.get(place);
    if (known && age === 'recent' && this.#clock.monotonic() - known.at < RECENT_MS) return known.guid;
    const guid = await ask();
    this.#known.delete(place);
    this.#known.set(place, { guid, at: this.#clock.monotonic() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > LIMIT && oldest !== undefined) this.#known.delete(oldest);
    return guid;
  }
}

import type { Chance } from '../../src/core/chance.ts';

/** Chance from a seed: the same seed, the same run. (mulberry32) */
export interface SeededChance extends Chance {
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** One of the values. */
  pick<T>(values: readonly T[]): T;
  /** True with this probability. */
  happens(probability: number): boolean;
}

export function seededChance(seed: number): SeededChance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const hex = (): string => next().toString(16).padStart(8, '0');
  const fraction = (): number => next() / 2 ** 32;
  return {
    fraction,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
    uuid() {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-a${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
    between: (low, high) => low + Math.floor(fraction() * (high - low + 1)),
    pick: (values) => values[Math.floor(fraction() * values.length)] as never,
    happens: (probability) => fraction() < probability,
  };
}

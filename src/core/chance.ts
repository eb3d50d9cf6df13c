import { randomBytes, randomUUID } from 'node:crypto';

/** Chance as an argument, so that a whole run can be replayed from a seed. */
export interface Chance {
  /** A new random uuid (RFC 9562 version 4). */
  uuid(): string;
  /** A number from 0 up to, but not including, 1. */
  fraction(): number;
  /** So many random bytes; from the machine's own chance they are good enough for keys. */
  bytes(count: number): Buffer;
}

/** The machine's own chance. */
export const systemChance: Chance = {
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  bytes: (count) => randomBytes(count),
};

/** `baseMs` varied evenly by up to `share` of itself either way, so that many timers do not fire together. */
export function jitter(baseMs: number, share: number, chance: Chance): number {
  return Math.round(baseMs * (1 + share * (2 * chance.fraction() - 1)));
}

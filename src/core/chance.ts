import { randomBytes, randomUUID } from 'node:crypto';

/** Chance as an argument, so that a whole run can be replayed from a seed. */
export interface Chance {
  /** A new random uuid (RFC 9562 version 4). */
  uuid(): string;
  /** A number from 0 up to, but not including, 1. */
  fraction(): number;
  /** This many random bytes; from the machine's own chance they are good enough for keys. */
  bytes(count: number): Buffer;
}

/** How many bytes are fetched at a time: to ask for a few bytes costs as much as to ask for a few thousand. */
const POOL_LENGTH = 4096;
let pool = Buffer.alloc(0);

/** Bytes that were given to no other caller. */
function fromPool(count: number): Buffer {
  if (count > POOL_LENGTH / 4) return randomBytes(count);
  if (pool.length < count) pool = randomBytes(POOL_LENGTH);
  const bytes = pool.subarray(0, count);
  pool = pool.subarray(count);
  return bytes;
}

/** The machine's own chance. */
export const systemChance: Chance = {
  uuid: () => randomUUID(),
  fraction: () => Math.random(),
  bytes: fromPool,
};

/** `baseMs` varied evenly by up to `share` of itself either way, so that many timers do not fire together. */
export function jitter(baseMs: number, share: number, chance: Chance): number {
  return Math.round(baseMs * (1 + share * (2 * chance.fraction() - 1)));
}

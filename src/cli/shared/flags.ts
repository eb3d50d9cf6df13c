/** Values of flags, read from text. Each refusal is ARGUMENT_INVALID and names the flag. */
import { fail } from '../../core/errors.ts';
import { LOST_KEY } from '../../core/json_parts.ts';

/** The largest number of the contract's 32-bit fields. */
const LARGEST = 2 ** 31 - 1;

/** `KEY=VALUE` words as an object. A value may hold `=`, and may be empty. */
export function readPairs(words: readonly string[] | undefined, flag: string): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const word of words ?? []) {
    const split = word.indexOf('=');
    if (split < 1)
      throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not KEY=VALUE; arguments without = belong before the flag`);
    const key = word.slice(0, split);
    if (key === LOST_KEY) throw fail('ARGUMENT_INVALID', `${flag}: ${LOST_KEY} cannot be a key`);
    if (pairs.has(key)) throw fail('ARGUMENT_INVALID', `${flag}: '${key}' is given twice`);
    pairs.set(key, word.slice(split + 1));
  }
  return Object.fromEntries(pairs);
}

const SECONDS_OF = { d: 86_400, h: 3600, m: 60, s: 1, '': 1 } as const;
/** `300`, `300s`, `5m`, `1h30m`. */
const SPAN = /^(?:\d{1,10}|(?:\d{1,10}d)?(?:\d{1,10}h)?(?:\d{1,10}m)?(?:\d{1,10}s)?)$/;

/** Whole seconds, at least 1: as a number, or with units as in `5m`. */
export function readSeconds(word: string | undefined, flag: string): number | undefined {
  if (word === undefined) return undefined;
  const parts = SPAN.test(word) ? [...word.matchAll(/(\d+)([dhms]?)/g)] : [];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * SECONDS_OF[unit as 's'], 0);
  if (seconds >= 1 && seconds <= LARGEST) return seconds;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not a time; give seconds, or units as in 90s, 5m, 1h30m`);
}

/** A sequence number of an event. */
export function readSequence(word: string, flag: string): bigint {
  if (/^\d{1,18}$/.test(word)) return BigInt(word);
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not the number of an event, such as 1`);
}

/** A whole number of the contract, at least `least`. */
export function readCount(word: string | undefined, least: number, flag: string): number | undefined {
  if (word === undefined) return undefined;
  const count = /^\d{1,10}$/.test(word) ? Number(word) : -1;
  if (count >= least && count <= LARGEST) return count;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not a whole number from ${least} to ${LARGEST}`);
}

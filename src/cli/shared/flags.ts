/** Values of flags, read from text. Each refusal is ARGUMENT_INVALID and names the flag. */
import { fail } from '../../core/errors.ts';
import { findTarget, TARGET_TABLE, TARGETS, type Target } from '../../core/power.ts';

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
    if (pairs.has(key)) throw fail('ARGUMENT_INVALID', `${flag}: '${key}' is given twice`);
    pairs.set(key, word.slice(split + 1));
  }
  return Object.fromEntries(pairs);
}

/** Whole seconds, at least 1. */
export function readSeconds(word: string | undefined, flag: string): number | undefined {
  if (word === undefined) return undefined;
  const seconds = /^\d{1,10}$/.test(word) ? Number(word) : 0;
  if (seconds >= 1 && seconds <= LARGEST) return seconds;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not a number of seconds from 1 to ${LARGEST}`);
}

/** A sequence number of an event. */
export function readSequence(word: string, flag: string): bigint {
  if (/^\d{1,18}$/.test(word)) return BigInt(word);
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not the number of an event, such as 1`);
}

/** A target by its word on the command line, or by its name in the field. */
export function readTarget(word: string): Target {
  const target = findTarget(word);
  if (target !== null) return target;
  const words = TARGETS.map((known) => TARGET_TABLE[known].word).join(', ');
  throw fail('ARGUMENT_INVALID', `'${word}' is no target; possible are ${words}`);
}

/** A whole number of the contract, at least `least`. */
export function readCount(word: string | undefined, least: number, flag: string): number | undefined {
  if (word === undefined) return undefined;
  const count = /^\d{1,10}$/.test(word) ? Number(word) : -1;
  if (count >= least && count <= LARGEST) return count;
  throw fail('ARGUMENT_INVALID', `${flag}: '${word}' is not a whole number from ${least} to ${LARGEST}`);
}

/** Node ranges: `r7n[1-16]`, `r[7-8]n[01-16,20]`, `alpha,beta`. Zeros in front are kept as written. */
import { type CountermandError, fail } from './errors.ts';

/** More names than this in one range is taken for a slip. */
export const RANGE_LIMIT = 100_000;
/** A pattern that is longer means no name; unchecked, it could keep us busy for minutes. */
const PATTERN_LIMIT = 1000;

const invalid = (range: string, why: string): CountermandError => {
  const shown = range.length > 100 ? `${range.slice(0, 100)}...` : range;
  return fail('ARGUMENT_INVALID', `node range '${shown}'${why}`);
};
const tooMany = (range: string): CountermandError => invalid(range, ` has more than ${RANGE_LIMIT} names`);

function expandGroup(group: string, range: string): string[] {
  const numbers: string[] = [];
  for (const part of group.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) throw invalid(range, `: '[${group}]' is not a list of numbers such as [1-16,20]`);
    const [, first = '', last = first] = match;
    const count = Number(last) - Number(first) + 1;
    if (count < 1) throw invalid(range, `: ${first}-${last} runs backwards`);
    if (numbers.length + count > RANGE_LIMIT) throw tooMany(range);
    for (let number = Number(first); number <= Number(last); number += 1)
      numbers.push(String(number).padStart(first.length, '0'));
  }
  return numbers;
}

function splitOutsideBrackets(text: string): string[] {
  const parts = [''];
  let inside = false;
  for (const character of text) {
    if (character === '[') inside = true;
    if (character === ']') inside = false;
    if (character === ',' && !inside) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts;
}

function expandOne(pattern: string, range: string): string[] {
  if (pattern === '') throw invalid(range, ' has an empty name');
  if (pattern.length > PATTERN_LIMIT) throw invalid(range, ` is longer than ${PATTERN_LIMIT} characters`);
  let names = [''];
  for (const piece of pattern.split(/(\[[^[\]]*\])/)) {
    const isGroup = piece.startsWith('[') && piece.endsWith(']');
    if (!isGroup && /[[\]]/.test(piece)) throw invalid(range, ': a bracket is not closed or not opened');
    const tails = isGroup ? expandGroup(piece.slice(1, -1), range) : [piece];
    if (names.length * tails.length > RANGE_LIMIT) throw tooMany(range);
    names = names.flatMap((head) => tails.map((tail) => head + tail));
  }
  return names;
}

/**
 * The names that a range means, each once, in order. Whether such nodes exist is not asked here.
 * @throws ARGUMENT_INVALID with the place, for anything that is not a range
 */
export function expandRange(range: string): string[] {
  const names = new Set<string>();
  for (const pattern of splitOutsideBrackets(range)) {
    for (const name of expandOne(pattern, range)) names.add(name);
    if (names.size > RANGE_LIMIT) throw tooMany(range);
  }
  return [...names];
}

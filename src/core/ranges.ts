/** Node ranges: `r7n[1-16]`, `r[7-8]n[01-16,20]`, `alpha,beta`. Zeros in front are kept as written. */
import { fail } from './errors.ts';

/** More names than this in one range is taken for a slip. */
export const RANGE_LIMIT = 100_000;

function expandGroup(group: string, whole: string): string[] {
  return group.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match)
      throw fail('ARGUMENT_INVALID', `node range '${whole}': '[${group}]' is not a list of numbers such as [1-16,20]`);
    const [, first = '', last = first] = match;
    const count = Number(last) - Number(first) + 1;
    if (count < 1) throw fail('ARGUMENT_INVALID', `node range '${whole}': ${first}-${last} runs backwards`);
    if (count > RANGE_LIMIT) throw fail('ARGUMENT_INVALID', `node range '${whole}' has more than ${RANGE_LIMIT} names`);
    return Array.from({ length: count }, (_, index) => String(Number(first) + index).padStart(first.length, '0'));
  });
}

function splitOutsideBrackets(text: string): string[] {
  return text.split(/,(?![^[]*\])/);
}

function expandOne(pattern: string, whole: string): string[] {
  const match = /^([^[\]]*)\[([^[\]]*)\](.*)$/.exec(pattern);
  if (!match) {
    if (/[[\]]/.test(pattern))
      throw fail('ARGUMENT_INVALID', `node range '${whole}': a bracket is not closed or not opened`);
    if (pattern === '') throw fail('ARGUMENT_INVALID', `node range '${whole}' has an empty name`);
    return [pattern];
  }
  const [, before, group = '', after = ''] = match;
  const heads = expandGroup(group, whole).map((number) => `${before}${number}`);
  const tails = after === '' ? [''] : expandOne(after, whole);
  if (heads.length * tails.length > RANGE_LIMIT)
    throw fail('ARGUMENT_INVALID', `node range '${whole}' has more than ${RANGE_LIMIT} names`);
  return heads.flatMap((head) => tails.map((tail) => head + tail));
}

/**
 * The names that a range means, each once, in order. Whether such nodes exist is not asked here.
 * @throws ARGUMENT_INVALID with the place, for anything that is not a range
 */
export function expandRange(range: string): string[] {
  return [...new Set(splitOutsideBrackets(range).flatMap((pattern) => expandOne(pattern, range)))];
}

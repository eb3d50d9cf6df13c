/** Names as ranges: what `expandRanges` expands, the other way round. */
import { SENT_LIMITS } from './limits.ts';
import { naturally } from './natural_order.ts';

/** A name that has a number: what stands before its last number, that number, and what stands behind. */
const NUMBERED = /^(.*?)(\d+)(\D*)$/s;

/** Numbers one after the other. */
interface Run {
  readonly first: string;
  last: string;
}

/** True if `next` is the number after `last` in a range that began with `first`: 09, 10 in 01-16; 9, 10 in 1-16. */
function follows(next: string, { first, last }: Run): boolean {
  return String(Number(last) + 1).padStart(first.length, '0') === next;
}

/**
 * The names as few ranges, in natural order: `r7n1`, `r7n2` and `r7n9` are `r7n[1-2,9]`. The last number of a name is folded.
 * A name that has none stays as it is.
 */
export function foldNames(names: readonly string[]): string[] {
  const groups = new Map<string, { before: string; runs: Run[]; after: string }>();
  for (const name of [...new Set(names)].sort(naturally)) {
    const [, before = name, number = '', after = ''] = NUMBERED.exec(name) ?? [];
    if (number === '' || number.length > SENT_LIMITS.range_digits.limit) {
      groups.set(`name ${name}`, { before: name, runs: [], after: '' });
      continue;
    }
    const key = JSON.stringify([before, after]);
    const group = groups.get(key) ?? { before, runs: [], after };
    groups.set(key, group);
    const run = group.runs.at(-1);
    if (run && follows(number, run)) run.last = number;
    else group.runs.push({ first: number, last: number });
  }
  return [...groups.values()].map(({ before, runs, after }) => `${before}${numbersOf(runs)}${after}`);
}

/** How many ranges or names a sentence tells at most. */
const TOLD = 20;

/**
 * Nodes in a sentence: as ranges if that is shorter by a third, else by their names: `db1, r7n[1-16] and 5 more`.
 * @param names in natural order
 * @param of how many nodes there are, where only the first are known
 */
export function nodesInWords(names: readonly string[], of = names.length): string {
  const ranges = foldNames(names);
  const isShort = ranges.length <= TOLD && 3 * ranges.join(', ').length <= 2 * names.join(', ').length;
  const shown = names.slice(0, isShort ? names.length : TOLD);
  const more = of > shown.length ? ` and ${of - shown.length} more` : '';
  return `${(isShort ? ranges : shown).join(', ')}${more}`;
}

function numbersOf(runs: readonly Run[]): string {
  const [only] = runs;
  if (only === undefined) return '';
  if (runs.length === 1 && only.first === only.last) return only.first;
  return `[${runs.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join(',')}]`;
}

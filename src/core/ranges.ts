/**
 * Node ranges: `r7n[1-16]`, `r[7-8]n[01-16,20]`, `alpha,beta`. Zeros in front are kept as written. How many names a range
 * means, and how long they are, is known before the first one is made, so that a short text cannot cause much work.
 */

import { type CountermandError, failAt } from './errors.ts';
import { exceeded, SENT_LIMITS } from './limits.ts';
import { nextPortion } from './long_work.ts';

/** The limit of names in one range, and in all ranges of a request together. */
const RANGE_LIMIT = SENT_LIMITS.named_nodes.limit;
/** At most this many names are made before others are served. */
const PORTION = 10_000;

/**
 * Ranges of numbers, at least two numbers in all, or a text, of which a pattern has several in turn. No two texts follow each
 * other, so the work for all names of a pattern is at most a few steps for each name, however the pattern is written.
 */
type Piece = { readonly text: string } | { readonly group: readonly Span[] };

/** Numbers from `first` to `last`, with at least `width` digits. */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly width: number;
}

/** One name, or the names that differ in numbers. */
interface Pattern extends RangeSize {
  readonly pieces: readonly Piece[];
}

/** What names cost. */
export interface RangeSize {
  readonly names: number;
  /** Of all names together, each counted as long as the longest of its pattern. */
  readonly characters: number;
}

const invalid = (range: string, why: string): CountermandError => {
  const shown = range.length > 100 ? `${range.slice(0, 100)}...` : range;
  return failAt('ARGUMENT_INVALID', 'nodes', `node range '${shown}'${why}`);
};
const tooMany = (range: string): CountermandError => invalid(range, ` has more than ${RANGE_LIMIT} names`);

function parseGroup(group: string, range: string): Span[] {
  return group.split(',').map((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) throw invalid(range, `: '[${group.slice(0, 100)}]' is not a list of numbers such as [1-16,20]`);
    const [, first = '', last = first] = match;
    const { limit } = SENT_LIMITS.range_digits;
    if (first.length > limit || last.length > limit) throw invalid(range, `: a number has more than ${limit} digits`);
    if (Number(last) < Number(first)) throw invalid(range, `: ${first}-${last} runs backwards`);
    return { first: Number(first), last: Number(last), width: first.length };
  });
}

function splitOutsideBrackets(text: string): string[] {
  const parts: string[] = [];
  let inside = false;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '[') inside = true;
    if (text[at] === ']') inside = false;
    if (text[at] !== ',' || inside) continue;
    parts.push(text.slice(from, at));
    from = at + 1;
  }
  return [...parts, text.slice(from)];
}

function parsePattern(pattern: string, range: string): Pattern {
  const { limit } = SENT_LIMITS.range_pattern;
  if (pattern === '') throw invalid(range, ' has an empty name');
  if (pattern.length > limit) throw invalid(range, `: a name is longer than ${limit} characters`);
  const pieces: Piece[] = [];
  for (const part of pattern.split(/(\[[^[\]]*\])/)) {
    const piece = parsePiece(part, range);
    const before = pieces.at(-1);
    if (before && 'text' in before && 'text' in piece) pieces[pieces.length - 1] = { text: before.text + piece.text };
    else pieces.push(piece);
  }
  const longest = pieces.reduce((sum, piece) => sum + longestOf(piece), 0);
  if (longest > SENT_LIMITS.name.limit)
    throw invalid(range, `: a name is longer than ${SENT_LIMITS.name.limit} characters`);
  const names = pieces.reduce((product, piece) => product * countOf(piece), 1);
  return { pieces, names, characters: names * longest };
}

/** A group of one number is a text: a name is put together from what differs. */
function parsePiece(part: string, range: string): Piece {
  const isGroup = part.startsWith('[') && part.endsWith(']');
  if (!isGroup && /[[\]]/.test(part)) throw invalid(range, ': a bracket is not closed or not opened');
  if (!isGroup) return { text: part };
  const group = parseGroup(part.slice(1, -1), range);
  const [only] = group;
  return only && countOf({ group }) === 1 ? { text: textOf(only.first, only) } : { group };
}

const textOf = (number: number, { width }: Span): string => String(number).padStart(width, '0');

const longestOf = (piece: Piece): number =>
  'text' in piece ? piece.text.length : Math.max(...piece.group.map((span) => textOf(span.last, span).length));

const countOf = (piece: Piece): number =>
  'text' in piece ? 1 : piece.group.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** The names of a pattern in order, each made when it is asked for. */
function* namesOf(pieces: readonly Piece[]): Generator<string> {
  const last = pieces.at(-1);
  if (last === undefined) return yield '';
  for (const head of namesOf(pieces.slice(0, -1))) {
    if ('text' in last) yield head + last.text;
    else
      for (const span of last.group)
        for (let number = span.first; number <= span.last; number += 1) yield head + textOf(number, span);
  }
}

/** The patterns of a range. @throws ARGUMENT_INVALID also for more than the limits, before a name is made */
function parseRange(range: string): Pattern[] {
  const patterns: Pattern[] = [];
  let names = 0;
  let characters = 0;
  for (const text of splitOutsideBrackets(range)) {
    const pattern = parsePattern(text, range);
    names += pattern.names;
    characters += pattern.characters;
    if (names > RANGE_LIMIT) throw tooMany(range);
    if (characters > SENT_LIMITS.named_characters.limit)
      throw invalid(range, `: its names have more than ${SENT_LIMITS.named_characters.limit} characters together`);
    patterns.push(pattern);
  }
  return patterns;
}

/** How many names a range means, and how long they are, without making one. @throws ARGUMENT_INVALID as `expandRange` */
export function sizeOfRange(range: string): RangeSize {
  return sumOf(parseRange(range));
}

/** What several cost together. */
export function sumOf(sizes: readonly RangeSize[]): RangeSize {
  return sizes.reduce(
    (sum, { names, characters }) => ({ names: sum.names + names, characters: sum.characters + characters }),
    { names: 0, characters: 0 },
  );
}

/**
 * Refuses ranges that mean too many names together, or too long ones.
 * @throws the error of the limit, with the place
 */
export function checkSize({ names, characters }: RangeSize, place: string): void {
  if (names > RANGE_LIMIT) throw exceeded(SENT_LIMITS.named_nodes, place, names);
  if (characters > SENT_LIMITS.named_characters.limit) throw exceeded(SENT_LIMITS.named_characters, place, characters);
}

/**
 * The names that a range means, in order, each made when it is asked for; one that it means twice comes twice.
 * @throws ARGUMENT_INVALID as `expandRange`, before the first
 */
export function* eachName(range: string): Generator<string> {
  for (const { pieces } of parseRange(range)) yield* namesOf(pieces);
}

/**
 * The names that a range means, each once, in order. Whether such nodes exist is not asked here.
 * @throws ARGUMENT_INVALID with the place, for anything that is not a range, and for more names or characters than the limits
 */
export function expandRange(range: string): string[] {
  return [...new Set(eachName(range))];
}

/** The patterns of several ranges. @throws ARGUMENT_INVALID as `expandRanges`, before a name is made */
function parseRanges(ranges: readonly string[], place: string): Pattern[] {
  const patterns: Pattern[] = [];
  let size: RangeSize = sumOf([]);
  for (const range of ranges) {
    const more = parseRange(range);
    size = sumOf([size, ...more]);
    // The rest is only counted: whoever is refused is told how much it was.
    if (size.names <= RANGE_LIMIT) for (const pattern of more) patterns.push(pattern);
  }
  checkSize(size, place);
  return patterns;
}

/**
 * The names that several ranges mean, each once, in order. Names that stand in several ranges count each time: the limit is
 * on the work.
 * @throws ARGUMENT_INVALID as `expandRange`, and for more than the limits in all, before a name is made
 */
export function expandRanges(ranges: readonly string[], place = 'nodes'): string[] {
  const names = new Set<string>();
  for (const { pieces } of parseRanges(ranges, place)) for (const name of namesOf(pieces)) names.add(name);
  return [...names];
}

/** As `expandRanges`, but others are served while many names are made. An abort rejects with its reason. */
export async function expandInPortions(
  ranges: readonly string[],
  place: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const names = new Set<string>();
  let made = 0;
  for (const { pieces } of parseRanges(ranges, place))
    for (const name of namesOf(pieces)) {
      names.add(name);
      made += 1;
      if (made % PORTION === 0) await nextPortion(signal);
    }
  return [...names];
}

/**
 * Node ranges: `r7n[1-16]`, `r[7-8]n[01-16,20]`, `alpha,beta`. Zeros in front are kept as written. How many names a range
 * means is counted before the first one is made, so that a short text cannot cause much work.
 */
import { type CountermandError, failAt } from './errors.ts';
import { exceeded, SENT_LIMITS } from './limits.ts';

/** The limit of names in one range, and in all ranges of a request together. */
const RANGE_LIMIT = SENT_LIMITS.named_nodes.limit;

/** One range of numbers, or a text, of which a pattern has several in turn. */
type Piece = { readonly text: string } | { readonly group: readonly Span[] };

/** Numbers from `first` to `last`, with at least `width` digits. */
interface Span {
  readonly first: number;
  readonly last: number;
  readonly width: number;
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

function parsePattern(pattern: string, range: string): Piece[] {
  const { limit } = SENT_LIMITS.range_pattern;
  if (pattern === '') throw invalid(range, ' has an empty name');
  if (pattern.length > limit) throw invalid(range, `: a name is longer than ${limit} characters`);
  const pieces = pattern.split(/(\[[^[\]]*\])/).map((piece): Piece => {
    const isGroup = piece.startsWith('[') && piece.endsWith(']');
    if (!isGroup && /[[\]]/.test(piece)) throw invalid(range, ': a bracket is not closed or not opened');
    return isGroup ? { group: parseGroup(piece.slice(1, -1), range) } : { text: piece };
  });
  const length = pieces.reduce((sum, piece) => sum + ('text' in piece ? piece.text.length : 1), 0);
  if (length > SENT_LIMITS.name.limit)
    throw invalid(range, `: a name is longer than ${SENT_LIMITS.name.limit} characters`);
  return pieces;
}

const countOfPiece = (piece: Piece): number =>
  'text' in piece ? 1 : piece.group.reduce((sum, { first, last }) => sum + last - first + 1, 0);

const countOfPattern = (pieces: readonly Piece[]): number =>
  pieces.reduce((product, piece) => product * countOfPiece(piece), 1);

function textsOf(piece: Piece): string[] {
  if ('text' in piece) return [piece.text];
  return piece.group.flatMap(({ first, last, width }) =>
    Array.from({ length: last - first + 1 }, (_, at) => String(first + at).padStart(width, '0')),
  );
}

function namesOf(pieces: readonly Piece[]): string[] {
  return pieces.reduce<string[]>(
    (heads, piece) => {
      const tails = textsOf(piece);
      return heads.flatMap((head) => tails.map((tail) => head + tail));
    },
    [''],
  );
}

/** The patterns of a range. @throws ARGUMENT_INVALID also for more names than the limit, before any is made */
function parseRange(range: string): Piece[][] {
  const patterns = splitOutsideBrackets(range).map((pattern) => parsePattern(pattern, range));
  if (sumOf(patterns) > RANGE_LIMIT) throw tooMany(range);
  return patterns;
}

const sumOf = (patterns: readonly (readonly Piece[])[]): number =>
  patterns.reduce((sum, pieces) => sum + countOfPattern(pieces), 0);

/**
 * The names that a range means, each once, in order. Whether such nodes exist is not asked here.
 * @throws ARGUMENT_INVALID with the place, for anything that is not a range, and for more than 100,000 names
 */
export function expandRange(range: string): string[] {
  return [...new Set(parseRange(range).flatMap(namesOf))];
}

/** How many names a range means, without making one. @throws ARGUMENT_INVALID as `expandRange` */
export function countNames(range: string): number {
  return sumOf(parseRange(range));
}

/**
 * Refuses ranges that mean too many names together, without making one.
 * @throws ARGUMENT_INVALID as `expandRanges`
 */
function checkRanges(ranges: readonly string[], place: string): void {
  const count = ranges.reduce((sum, range) => sum + countNames(range), 0);
  if (count > RANGE_LIMIT) throw exceeded(SENT_LIMITS.named_nodes, place, count);
}

/**
 * The names that several ranges mean, each once, in order. Names that stand in several ranges count each time: the limit is
 * on the work.
 * @throws ARGUMENT_INVALID as `expandRange`, and for more than 100,000 names in all, before any is made
 */
export function expandRanges(ranges: readonly string[], place = 'nodes'): string[] {
  checkRanges(ranges, place);
  return [...new Set(ranges.flatMap((range) => parseRange(range).flatMap(namesOf)))];
}

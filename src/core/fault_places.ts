/** Where a fault is in what was sent or written, as zod tells it, in words. */

import { cutText } from './texts.ts';

/** `actions[2].parents`: a path of keys and positions; empty for the whole. */
export function pathText(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** A fault as zod tells it, as far as its place goes. */
interface Fault {
  readonly path: readonly PropertyKey[];
  /** Of a fault about keys that are not known. */
  readonly keys?: readonly string[];
}

/** Where a fault is, as a path from `root` on, if there is one: to a key that is not known, if that is the fault. */
export const fieldOf = (fault: Fault | undefined, ...root: readonly string[]): string =>
  cutText(pathText([...root, ...(fault?.path ?? []), ...(fault?.keys ?? []).slice(0, 1)]), FIELD_LIMIT);

/** Keys are chosen by clients. */
const FIELD_LIMIT = 255;

/** `'a', 'b'`: keys that are not known. */
export const quotedKeys = (keys: readonly string[]): string => keys.map((key) => `'${key}'`).join(', ');

/** The path of a field, of a place that names an action for people too: `actions[1].timeout` of `actions[1] 'boot'.timeout`. */
export const pathOf = (place: string): string => place.replace(/(actions\[\d+\]) '.*'/s, '$1');

/** What zod tells of a fault before it has words for it, as far as they need it. */
interface UnwordedFault {
  readonly code?: string | undefined;
  readonly input?: unknown;
  readonly expected?: unknown;
  readonly origin?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly inclusive?: unknown;
  readonly values?: readonly unknown[];
}

const KINDS: ReadonlyMap<unknown, string> = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['record', 'an object'],
]);
const COUNTED: ReadonlyMap<unknown, string> = new Map([
  ['string', 'characters'],
  ['array', 'entries'],
]);

/**
 * Words for faults whose schema has none of its own: what must be there instead. They never repeat the value, which may be a secret.
 * It is the second argument of `safeParse`.
 */
export const PLAIN_WORDS = { error: (fault: UnwordedFault): string | undefined => wordsOf(fault) };

function wordsOf({
  code,
  input,
  expected,
  origin,
  minimum,
  maximum,
  inclusive,
  values,
}: UnwordedFault): string | undefined {
  const counted = COUNTED.get(origin);
  const limit = (words: string, number: unknown): string =>
    counted === undefined ? `must be ${words} ${number}` : `must have ${words} ${number} ${counted}`;
  switch (code) {
    case 'invalid_type': {
      const kind = KINDS.get(expected);
      return kind && `${input === undefined ? 'is missing; it ' : ''}must be ${kind}`;
    }
    case 'too_small':
      if (counted !== undefined && minimum === 1) return 'must not be empty';
      return limit(inclusive === false ? 'more than' : 'at least', minimum);
    case 'too_big':
      return limit(inclusive === false ? 'less than' : 'at most', maximum);
    case 'invalid_value':
      return values && `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
    default:
      return undefined;
  }
}

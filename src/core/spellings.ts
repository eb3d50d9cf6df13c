/**
 * The spellings in which a text may hold another: escaped for URLs, forms, XML, JSON, programs or mail, and encoded in hexadecimal or
 * base64. Each decoder reads a text once and makes one that is at most three times as long, so the work is linear in the text,
 * whatever it is.
 */

/** A text as bytes, each with the place in the original text that it stands for. */
export class Spelled {
  /** Bytes, and `BREAK` between parts that do not belong together. */
  readonly units: number[] = [];
  /** Where what a unit stands for begins and ends in the original text, in characters. */
  readonly from: number[] = [];
  readonly to: number[] = [];
  /** True if it holds what was in hexadecimal or base64. */
  readonly isEncoded: boolean;

  constructor(isEncoded: boolean) {
    this.isEncoded = isEncoded;
  }

  /** Adds a unit that stands for what is between two places of the original text. */
  add(unit: number, from: number, to: number): void {
    this.units.push(unit);
    this.from.push(from);
    this.to.push(to);
  }
}

/** Stands between parts that do not belong together. */
const BREAK = -1;

/** Called for each step of the work, which a test counts. */
export type Count = () => void;

/** Makes one spelling of another; null if it has nothing of this kind. */
type Decoder = (text: Spelled, count: Count) => Spelled | null;

/** A text as it is. */
export function spelledOf(text: string, count: Count): Spelled {
  const made = new Spelled(false);
  let at = 0;
  for (const character of text) {
    count();
    const code = codeOf(character);
    if (code < 0x80) made.add(code, at, at + 1);
    else for (const byte of Buffer.from(character)) made.add(byte, at, at + character.length);
    at += character.length;
  }
  return made;
}

const codeOf = (sign: string): number => sign.charCodeAt(0);
const [BACKSLASH, PERCENT, AND, EQUALS, PLUS, SPACE] = [...'\\%&=+ '].map(codeOf) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const isBlank = (unit: number | undefined): boolean => unit === SPACE || unit === 9 || unit === 10 || unit === 13;

function digitOf(unit: number | undefined): number {
  if (unit === undefined) return Number.NaN;
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const letter = unit | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}

/** The number that `length` hexadecimal digits at a place are; NaN if these are none. */
function hexAt(units: readonly number[], at: number, length: number): number {
  let number = 0;
  for (let next = at; next < at + length; next += 1) number = number * 16 + digitOf(units[next]);
  return number;
}

/** What an escape stands for, and how many units it has; null if there is none at this place. */
type Escape = { readonly bytes: Iterable<number>; readonly length: number } | null;
type EscapeAt = (units: readonly number[], at: number) => Escape;

const utf8 = (code: number): Iterable<number> => Buffer.from(String.fromCodePoint(code));

/** What some characters are after a backslash. */
const LETTERS: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, f: 12 };

const backslashed: EscapeAt = (units, at) => {
  const next = units[at + 1];
  if (next === undefined || next === BREAK) return null;
  const sign = String.fromCharCode(next);
  if (sign === 'u') {
    const code = hexAt(units, at + 2, 4);
    const second = units[at + 6] === BACKSLASH && units[at + 7] === next ? hexAt(units, at + 8, 4) : Number.NaN;
    if (code >= 0xd800 && code < 0xdc00 && second >= 0xdc00 && second < 0xe000)
      return { bytes: utf8(0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00)), length: 12 };
    if (!Number.isNaN(code)) return { bytes: utf8(code), length: 6 };
  }
  const byte = sign === 'x' ? hexAt(units, at + 2, 2) : Number.NaN;
  if (!Number.isNaN(byte)) return { bytes: [byte], length: 4 };
  if (/[0-7]/.test(sign)) return octalAt(units, at + 1);
  return { bytes: [LETTERS[sign] ?? next], length: 2 };
};

/** A byte in one to three octal digits. */
function octalAt(units: readonly number[], first: number): Escape {
  let [byte, length] = [0, 0];
  for (; length < 3; length += 1) {
    const digit = digitOf(units[first + length]);
    if (!(digit < 8) || byte * 8 + digit > 0xff) break;
    byte = byte * 8 + digit;
  }
  return { bytes: [byte], length: length + 1 };
}

/** A sign and two hexadecimal digits. */
const percented: EscapeAt = (units, at) => {
  const byte = hexAt(units, at + 1, 2);
  return Number.isNaN(byte) ? null : { bytes: [byte], length: 3 };
};

/** Quoted-printable: bytes, and line ends that are none. */
const mailed: EscapeAt = (units, at) => {
  if (units[at + 1] === 10) return { bytes: [], length: 2 };
  if (units[at + 1] === 13 && units[at + 2] === 10) return { bytes: [], length: 3 };
  return percented(units, at);
};

/** The names that XML and HTML have for characters. */
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** An entity is not longer than this: numbers may have zeros before them. */
const LONGEST_ENTITY = 16;

const entity: EscapeAt = (units, at) => {
  const word = String.fromCharCode(...units.slice(at, at + LONGEST_ENTITY).map((unit) => Math.max(unit, 0)));
  const [whole, decimal, hexadecimal, name] = /^&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/i.exec(word) ?? [];
  if (whole === undefined) return null;
  const named = NAMED[name?.toLowerCase() ?? ''];
  if (named !== undefined) return { bytes: [codeOf(named)], length: whole.length };
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? { bytes: utf8(code), length: whole.length } : null;
};

const plussed: EscapeAt = () => ({ bytes: [SPACE], length: 1 });

/** In UTF-16 every other byte of most texts is zero. */
const zero: EscapeAt = () => ({ bytes: [], length: 1 });

/** The first unit of each kind of escape, and the kinds. */
type Kinds = readonly (readonly [first: number, kind: EscapeAt])[];

/** Replaces the escapes of these kinds, each once. */
function unescaping(...kinds: Kinds): Decoder {
  const kindOf = new Map(kinds);
  return (text, count) => {
    const { units, from, to } = text;
    if (!units.some((unit) => kindOf.has(unit))) return null;
    const made = new Spelled(text.isEncoded);
    let isOther = false;
    for (let at = 0; at < units.length; ) {
      count();
      const unit = units[at] as number;
      const found = kindOf.get(unit)?.(units, at) ?? null;
      const length = found?.length ?? 1;
      if (found === null) made.add(unit, from[at] as number, to[at] as number);
      else for (const byte of found.bytes) made.add(byte, from[at] as number, to[at + length - 1] as number);
      isOther ||= found !== null;
      at += length;
    }
    return isOther ? made : null;
  };
}

/** Fewer bytes are no part of a login, and each text has some by chance. */
const FEWEST_BYTES = 4;

/** What of each unit of base64 is its number; both alphabets. */
const SEXTETS = new Map(
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((sign, at) => [codeOf(sign), at]),
);
SEXTETS.set(codeOf('-'), 62).set(codeOf('_'), 63);

/** Base64, also where blanks and line ends break it: whatever may be some, begun at each of four places. */
const fromBase64: Decoder = (text, count) => {
  const made = new Spelled(true);
  let run: number[] = [];
  for (let at = 0; at <= text.units.length; at += 1) {
    count();
    const unit = text.units[at];
    if (unit !== undefined && SEXTETS.has(unit)) run.push(at);
    else if (run.length > 0 && !isBlank(unit)) {
      for (let first = 0; first < 4; first += 1) addRun(made, text, run, first, count);
      run = [];
    }
  }
  return made.units.length > 0 ? made : null;
};

function addRun(made: Spelled, { units, from, to }: Spelled, run: readonly number[], first: number, count: Count) {
  if ((run.length - first) * 6 < FEWEST_BYTES * 8) return;
  let [bits, held] = [0, 0];
  for (let at = first; at < run.length; at += 1) {
    count();
    bits = ((bits << 6) | (SEXTETS.get(units[run[at] as number] as number) ?? 0)) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    made.add((bits >> held) & 0xff, from[run[at - 1] as number] as number, to[run[at] as number] as number);
  }
  made.add(BREAK, 0, 0);
}

/** What may stand between two bytes in hexadecimal: blanks and signs, few of them. */
const BETWEEN: ReadonlySet<number> = new Set([...' :,-\n\r\t'].map(codeOf));
const MOST_BETWEEN = 3;

/** Hexadecimal digits, with or without something between the bytes, begun at each of two places. */
const fromHex: Decoder = (text, count) => {
  const made = new Spelled(true);
  for (const first of [0, 1]) addHex(made, text, first, count);
  return made.units.length > 0 ? made : null;
};

function addHex(made: Spelled, { units, from, to }: Spelled, first: number, count: Count): void {
  let run = new Spelled(true);
  let gap = 0;
  const end = (): void => {
    if (run.units.length === 0) return;
    if (run.units.length >= FEWEST_BYTES) {
      for (const [at, unit] of run.units.entries()) made.add(unit, run.from[at] as number, run.to[at] as number);
      made.add(BREAK, 0, 0);
    }
    run = new Spelled(true);
    gap = 0;
  };
  for (let at = 0; at < units.length; ) {
    count();
    const start = at + (hexAt(units, at, 1) === 0 && ((units[at + 1] as number) | 0x20) === codeOf('x') ? 2 : 0);
    const skipped = run.units.length === 0 && start === at ? first : 0;
    const byte = hexAt(units, start + skipped, 2);
    if (!Number.isNaN(byte) && !Number.isNaN(hexAt(units, start, 1))) {
      run.add(byte, from[at + skipped] as number, to[start + skipped + 1] as number);
      at = start + skipped + 2;
      gap = 0;
    } else {
      gap += 1;
      if (!BETWEEN.has(units[at] as number) || gap > MOST_BETWEEN) end();
      at += 1;
    }
  }
  end();
}

/** A tree of decoders: what each makes is read by those below it. */
type Tree = readonly (readonly [decoder: Decoder, below: Tree])[];

const narrow = unescaping([0, zero]);
const slashes = unescaping([BACKSLASH, backslashed]);
const percents = unescaping([PERCENT, percented]);
const entities = unescaping([AND, entity]);
const mails = unescaping([EQUALS, mailed]);
const pluses = unescaping([PLUS, plussed]);
const any = unescaping([BACKSLASH, backslashed], [PERCENT, percented], [AND, entity], [EQUALS, mailed]);

/** A login is sent as text, in JSON or in base64, and what was sent may be in either once more. */
const ENCODED: Tree = [
  [
    fromBase64,
    [
      [narrow, []],
      [slashes, []],
      [fromBase64, [[narrow, []]]],
    ],
  ],
  [
    fromHex,
    [
      [narrow, []],
      [fromBase64, []],
    ],
  ],
];

/**
 * Escapes of one kind, once and twice, and of all kinds up to four times. Each kind stands alone as well: a secret may look as if
 * it held escapes of another.
 */
const TREE: Tree = [
  ...ENCODED,
  [slashes, [...ENCODED, [slashes, ENCODED]]],
  [percents, [...ENCODED, [percents, ENCODED]]],
  [entities, [[entities, []]]],
  [mails, ENCODED],
  [pluses, [[any, [[any, []]]]]],
  [any, [...ENCODED, [any, [...ENCODED, [any, [...ENCODED, [any, []]]]]]]],
];

/** A text in all spellings that it may be read in, itself first. */
export function* spellingsOf(text: Spelled, count: Count, tree: Tree = TREE): Generator<Spelled> {
  yield text;
  for (const [decoder, below] of tree) {
    const made = decoder(text, count);
    if (made !== null) yield* spellingsOf(made, count, below);
  }
}

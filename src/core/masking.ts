/** Secrets in texts of others: a BMC may repeat what it was sent, as it was sent or in another spelling. */

/** What stands where a secret is. */
export const MASK = '******';

/** Shorter secrets are not looked for: every text would have them, and none would be readable. */
const SHORTEST = 3;
/** Encoded, shorter ones mean nothing. */
const SHORTEST_ENCODED = 4;

/**
 * The text with each of the secrets masked, also in base64 and hexadecimal, and where any of its characters are escaped for
 * URLs, forms, XML, JSON or programs: a text may have been written by any library, and escaped more than once.
 */
export function maskIn(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter(({ length }) => length >= SHORTEST)
    .flatMap(piecesOf)
    .flatMap((secret) => [escapedPattern(secret), ...encodedPatterns(secret)])
    .sort((one, other) => other.length - one.length);
  // In any case: hexadecimal digits and escapes are written in both, and a secret in the wrong case still tells much.
  return spellings.reduce((masked, spelling) => masked.replaceAll(new RegExp(spelling, 'gi'), MASK), text);
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** The names that XML and HTML have for characters. */
const NAMED: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/** A pattern has a size that a regular expression can have: longer secrets are looked for in pieces. */
const LONGEST_PIECE = 128;

function piecesOf(secret: string): string[] {
  const characters = [...secret];
  const count = Math.ceil(characters.length / LONGEST_PIECE);
  const size = Math.ceil(characters.length / count);
  return Array.from({ length: count }, (_, at) => characters.slice(at * size, (at + 1) * size).join(''));
}

/** Matches a secret of which each character stands for itself or is escaped in one of the usual ways. */
function escapedPattern(secret: string): string {
  // Backslashes that may stand for themselves or for an escape are matched as a run: taken one by one, a text of many
  // backslashes could be divided among them in more ways than can be tried.
  return (secret.match(/\\+|[^\\]/gsu) ?? [])
    .map((part, at, parts) =>
      part.startsWith('\\') ? backslashes(part.length) : `(?:${spellingsOf(part, parts[at - 1] ?? '').join('|')})`,
    )
    .join('');
}

/** The `&` and `%` of an escape, which may be escaped themselves. */
const AMPERSAND = '&(?:amp;|#38;|#x26;)*';
const PERCENT = '%(?:25)*';

const backslashes = (count: number): string =>
  `(?:\\\\{${count},}|(?:${[...numbered('\\'), percented('\\')].join('|')}){${count}})`;

/** A character as XML and HTML write its number. */
function numbered(character: string): string[] {
  const code = character.codePointAt(0) ?? 0;
  return [`${AMPERSAND}#0*${code};`, `${AMPERSAND}#x0*${code.toString(16)};`];
}

const hexOf = (text: string): string[] => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'));
const percented = (character: string): string =>
  hexOf(character)
    .map((byte) => `${PERCENT}${byte}`)
    .join('');

/** What some characters are after a backslash. */
const LETTERS: Readonly<Record<string, string>> = { '\n': 'n', '\t': 't', '\r': 'r', '\b': 'b', '\f': 'f' };

/** @param before what stands before it in the secret */
function spellingsOf(character: string, before: string): string[] {
  const optional = before.startsWith('\\') ? '' : '\\\\*';
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  const own = quoted(character);
  return [
    ...numbered(character),
    ...(NAMED[character] ? [`${AMPERSAND}${NAMED[character]};`] : []),
    percented(character),
    units.map((unit) => `\\\\+u${unit}`).join(''),
    hexOf(character)
      .map((byte) => `\\\\+x${byte}`)
      .join(''),
    ...(LETTERS[character] ? [`\\\\+${LETTERS[character]}`] : []),
    ...(character === ' ' ? ['\\+'] : []),
    // A program or JSON puts backslashes before some characters; others stand alone.
    /[\w\s]/.test(character) ? own : `${optional}${own}`,
  ];
}

/** Matches a secret as hexadecimal digits, with or without something between the bytes, and inside of base64. */
function encodedPatterns(secret: string): string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < SHORTEST_ENCODED) return [];
  const hex = hexOf(secret).join('(?:[ :,-]|, )?(?:0x|\\\\x)?');
  return [`(?:0x|\\\\x)?${hex}`, ...base64Of(bytes).map((core) => [...core].map(quoted).join(LINE_END))];
}

/** Long base64 is broken into lines. */
const LINE_END = '(?:\\r?\\n)?';

/**
 * What is the same in base64 whatever stands before and behind, for each of the three places at which the bytes may begin:
 * a login is encoded together with its user name.
 */
function base64Of(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    const bits = (before + bytes.length) * 8;
    const core = encoded.slice(from, Math.floor(bits / 6));
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

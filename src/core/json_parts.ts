/** How much a JSON text would become, counted before it is parsed: the parser has made everything before anyone can look. */

/** What opens or divides an object or a list, and what stands around a text. */
const DIVIDERS: ReadonlySet<number> = new Set([...'{[,:'].map((sign) => sign.charCodeAt(0)));
const [QUOTE, BACKSLASH, OPENS, CLOSES] = [0x22, 0x5c, 0x7b, 0x7d];
const COLON = /\s*:/y;

/** True if a JSON text in UTF-8 has more than `limit` parts: each `{`, `[`, comma and colon outside of its texts is one. */
export function hasMoreParts(bytes: Uint8Array, limit: number): boolean {
  let parts = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const sign = bytes[at] as number;
    if (sign === QUOTE) isText = !isText;
    else if (isText) at += sign === BACKSLASH ? 1 : 0;
    else if (DIVIDERS.has(sign)) parts += 1;
    if (parts > limit) return true;
  }
  return false;
}

/** The one name of a key that an object of JavaScript does not keep when it is assigned: what is asked for by it would be lost in silence. */
export const LOST_KEY = '__proto__';

/** A letter of `__proto__` as itself, or as JSON escapes it. */
const escaped = (letter: string): string =>
  `(?:${letter}|\\\\u00${letter.charCodeAt(0).toString(16).replace('f', '[fF]')})`;
const LOST_IN_JSON = new RegExp(`"${[...LOST_KEY].map(escaped).join('')}"\\s*:`);

/** True if a JSON text has the key `__proto__` somewhere, or a text that looks like it. */
export const hasLostKey = (text: string): boolean => LOST_IN_JSON.test(text);

/** A key that one object of a JSON text has twice, however it is written; null if there is none. Parsers keep one of the two, and not each the same. */
export function doubledKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === OPENS) open.push(new Set());
    else if (sign === CLOSES) open.pop();
    if (sign !== QUOTE) continue;
    const begin = at;
    for (at += 1; at < text.length && text.charCodeAt(at) !== QUOTE; ) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
    COLON.lastIndex = at + 1;
    if (!COLON.test(text)) continue;
    const key = keyOf(text.slice(begin, at + 1));
    const keys = open.at(-1);
    if (keys?.has(key)) return key;
    keys?.add(key);
  }
  return null;
}

/** The text in quotes; as it stands there if it is no JSON, which the parser says. */
function keyOf(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}

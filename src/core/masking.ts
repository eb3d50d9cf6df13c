/**
 * Secrets in texts of others: a BMC may repeat what it was sent, as it was sent or in another spelling. What a library does to a
 * login by itself is found. A BMC that wants to give a secret away always can: where a login was what was sent, and the answer is about
 * it, the drivers repeat no sentence of the BMC at all, but only the names of its messages.
 */
import { type Count, type Spelled, spelledOf, spellingsOf } from './spellings.ts';
import { cutText } from './texts.ts';

/** What stands where a secret is. */
export const MASK = '******';

/** Shorter secrets are not looked for: every text would have them, and none would be readable. */
const SHORTEST = 3;
/** Encoded, shorter ones mean nothing. */
const SHORTEST_ENCODED = 4;
/** Texts are cut to this many characters before they are searched. */
const LONGEST_TEXT = 4096;

/**
 * The text with each of the secrets masked, also in base64 and hexadecimal, and where any of its characters are escaped for
 * URLs, forms, XML, JSON, programs or mail, once or more. The work is linear in the text, whatever it is. After 4096 characters it is
 * cut, and no half of a secret stands at the end.
 * @param count called for each step of the work
 */
export function maskIn(text: string, secrets: readonly string[], count: Count = () => {}): string {
  const needles = secrets.filter(({ length }) => length >= SHORTEST).flatMap(needlesOf);
  const isCut = text.length > LONGEST_TEXT;
  const searched = cutText(text, LONGEST_TEXT);
  if (needles.length === 0) return isCut ? `${searched}...` : text;
  /** Where what begins at a character ends; 0 if nothing begins there. */
  const ends = new Uint16Array(searched.length + 1);
  const found = (from: number, to: number): void => {
    ends[from] = Math.max(ends[from] ?? 0, to);
  };
  for (const spelled of spellingsOf(spelledOf(searched, count), count))
    for (const needle of needles)
      if (!spelled.isEncoded || needle.bytes.length >= SHORTEST_ENCODED)
        search(spelled, needle, isCut ? searched.length : null, found, count);
  const masked = replaced(searched, ends);
  return isCut ? `${masked}...` : masked;
}

/**
 * What a BMC says, for a sentence of ours: secrets masked, nothing that acts in a terminal, and at most `limit` characters.
 * It is masked before it is cut: half a secret would not be found.
 */
export function quoted(text: string, secrets: readonly string[], limit: number): string {
  const plain = maskIn(text.slice(0, LONGEST_TEXT + 1), secrets)
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
  return plain.length > limit ? `${cutText(plain, limit - 3)}...` : plain;
}

/** What is looked for: bytes, and for each the length of the longest beginning that ends there, as Knuth, Morris and Pratt have it. */
interface Needle {
  readonly bytes: readonly number[];
  readonly fallbacks: readonly number[];
}

/** In any case: a secret in the wrong case still tells much. */
const folded = (unit: number): number => (unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit);

function needlesOf(secret: string): Needle[] {
  const forms = [Buffer.from(secret)];
  if (/[^\0-\x7f]/.test(secret)) {
    forms.push(Buffer.from(secret.toLowerCase()), Buffer.from(secret.toUpperCase()));
    const wide = Buffer.from(secret, 'utf16le');
    if (/^[\0-\xff]*$/.test(secret)) forms.push(Buffer.from(secret, 'latin1'));
    else forms.push(wide, Buffer.from(wide).swap16());
  }
  return forms.map((form) => {
    const bytes = [...form].map(folded);
    return { bytes, fallbacks: fallbacksOf(bytes) };
  });
}

function fallbacksOf(bytes: readonly number[]): number[] {
  const fallbacks = [0];
  let length = 0;
  for (let at = 1; at < bytes.length; at += 1) {
    while (length > 0 && bytes[at] !== bytes[length]) length = fallbacks[length - 1] as number;
    if (bytes[at] === bytes[length]) length += 1;
    fallbacks.push(length);
  }
  return fallbacks;
}

/** The last characters before a cut may be half an escape, which is read as something else. */
const NEAR_END = 12;

/**
 * Tells where a secret is found.
 * @param cutAt where the text was cut: a secret that has begun there counts as well; null if it was not
 */
function search(
  { units, from, to }: Spelled,
  { bytes, fallbacks }: Needle,
  cutAt: number | null,
  found: (from: number, to: number) => void,
  count: Count,
): void {
  let length = 0;
  for (let at = 0; at < units.length; at += 1) {
    count();
    const unit = folded(units[at] as number);
    while (length > 0 && unit !== bytes[length]) {
      count();
      length = fallbacks[length - 1] as number;
    }
    if (unit === bytes[length]) length += 1;
    const end = to[at] as number;
    if (length === bytes.length) {
      found(from[at - length + 1] as number, end);
      length = fallbacks[length - 1] as number;
    } else if (cutAt !== null && length >= SHORTEST && end > cutAt - NEAR_END) {
      found(from[at - length + 1] as number, cutAt);
    }
  }
}

/** The text with what was found masked: what overlaps is one. */
function replaced(text: string, ends: Uint16Array): string {
  const parts: string[] = [];
  let plainFrom = 0;
  for (let at = 0; at < text.length; at += 1) {
    let end = ends[at] as number;
    if (end === 0) continue;
    parts.push(text.slice(plainFrom, at), MASK);
    for (let next = at + 1; next < end; next += 1) end = Math.max(end, ends[next] as number);
    plainFrom = end;
    at = end - 1;
  }
  return parts.join('') + text.slice(plainFrom);
}

/** Secrets in texts of others: a BMC may repeat what it was sent, as it was sent or in another spelling. */

/** What stands where a secret is. */
export const MASK = '******';

/** Shorter secrets are not looked for: every text would have them, and none would be readable. */
const SHORTEST = 3;
/** Encoded, shorter ones mean nothing. */
const SHORTEST_ENCODED = 4;

/** The text with each of the secrets masked, also in base64, in hexadecimal, and escaped for URLs, XML and JSON. */
export function maskIn(text: string, secrets: readonly string[]): string {
  const spellings = [...new Set(secrets.flatMap(spellingsOf))].sort((one, other) => other.length - one.length);
  return spellings.reduce((masked, spelling) => masked.replaceAll(patternOf(spelling), MASK), text);
}

/** A spelling in any case: hexadecimal digits and escapes are written in both, and a secret in the wrong case still tells much. */
function patternOf(spelling: string): RegExp {
  return new RegExp(spelling.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), 'gi');
}

function spellingsOf(secret: string): string[] {
  if (secret.length < SHORTEST) return [];
  const plain = [secret, encodeURIComponent(secret), xmlEscaped(secret), JSON.stringify(secret).slice(1, -1)];
  const bytes = Buffer.from(secret);
  if (bytes.length < SHORTEST_ENCODED) return plain;
  const hex = bytes.toString('hex');
  const spacedHex = (hex.match(/../g) ?? []).join(' ');
  return [...plain, hex, spacedHex, spacedHex.replaceAll(' ', ':'), ...base64Of(bytes)];
}

const XML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const xmlEscaped = (text: string): string => text.replace(/[&<>"']/g, (character) => XML[character] ?? character);

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

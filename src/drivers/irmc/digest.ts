/** HTTP Digest (RFC 7616), the answer of a client. Packages for it know MD5 only, or bring an HTTP client of their own. */
import { createHash } from 'node:crypto';
import type { Chance } from '../../core/chance.ts';

/** The algorithms of RFC 7616 that are known here, by their names there. */
const ALGORITHMS = { MD5: 'md5', 'SHA-256': 'sha256' } as const;

/** What a server asks for. */
export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
  readonly algorithm: keyof typeof ALGORITHMS;
  /** With `qop=auth`, as everybody has it since RFC 2617. */
  readonly counted: boolean;
}

/** Reads the header `WWW-Authenticate`. @returns null if there is no Digest in it that can be answered */
export function readChallenge(header: string | readonly string[] | undefined): Challenge | null {
  const lines = (Array.isArray(header) ? header : [header ?? '']) as readonly string[];
  const line = lines.find((each) => /^\s*digest\s/i.test(each));
  if (line === undefined || line.length > 4096) return null;
  const fields = new Map<string, string>();
  for (const [, name, quoted, plain] of line.matchAll(/(?<![a-z])([a-z]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi))
    fields.set((name as string).toLowerCase(), quoted ?? plain ?? '');
  const [realm, nonce] = [fields.get('realm'), fields.get('nonce')];
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const qop = fields.get('qop');
  if (realm === undefined || nonce === undefined || !isKnown(algorithm)) return null;
  if (qop !== undefined && !/\bauth\b(?!-int)/.test(qop)) return null;
  return { realm, nonce, opaque: fields.get('opaque') ?? null, algorithm, counted: qop !== undefined };
}

function isKnown(algorithm: string): algorithm is Challenge['algorithm'] {
  return Object.hasOwn(ALGORITHMS, algorithm);
}

/** Who logs in, to what. */
interface DigestSubject {
  readonly username: string;
  readonly password: string;
  readonly method: string;
  readonly path: string;
}

/**
 * The value of the header `Authorization`.
 * @param count how often the nonce was used, this time included
 */
export function answerChallenge(challenge: Challenge, subject: DigestSubject, count: number, chance: Chance): string {
  const { realm, nonce, opaque, algorithm, counted } = challenge;
  const { username, password, method, path } = subject;
  const hash = (text: string): string => createHash(ALGORITHMS[algorithm]).update(text).digest('hex');
  const uses = count.toString(16).padStart(8, '0');
  const ours = chance.bytes(8).toString('hex');
  const [who, what] = [hash(`${username}:${realm}:${password}`), hash(`${method}:${path}`)];
  const response = counted ? hash(`${who}:${nonce}:${uses}:${ours}:auth:${what}`) : hash(`${who}:${nonce}:${what}`);
  const quoted = { username, realm, nonce, uri: path, response, ...(opaque === null ? {} : { opaque }) };
  const fields = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
  const plain = [`algorithm=${algorithm}`, ...(counted ? ['qop=auth', `nc=${uses}`, `cnonce="${ours}"`] : [])];
  return `Digest ${[...fields, ...plain].join(', ')}`;
}

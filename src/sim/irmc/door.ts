/** Who may ask over HTTP: Basic (RFC 7617) and Digest (RFC 7616 with MD5 and qop=auth, as iRMCs have it). */
import { createHash } from 'node:crypto';
import type { Chance } from '../../core/chance.ts';
import type { IrmcLogin } from './logins.ts';

const REALM = 'iRMC';
/** Nonces that were given out and are still good. */
const MAX_NONCES = 1000;

/** The door of one web server. */
export class Door {
  readonly #login: IrmcLogin;
  readonly #chance: Chance;
  /** Each nonce that was given out, with the highest count that came with it. */
  readonly #nonces = new Map<string, number>();

  constructor(login: IrmcLogin, chance: Chance) {
    this.#login = login;
    this.#chance = chance;
  }

  /** Whether a request may come in. `authorization` is the header of that name. */
  lets(authorization: string, method: string, uri: string): boolean {
    const [, scheme = '', rest = ''] = /^(\w+)\s+([\s\S]*)$/.exec(authorization) ?? [];
    const way = scheme.toLowerCase();
    if (way === 'basic' && this.#offers('basic')) return this.#letsBasic(rest);
    if (way === 'digest' && this.#offers('digest')) return this.#letsDigest(parametersOf(rest), method, uri);
    return false;
  }

  /** What the header WWW-Authenticate says to a client that was not let in. */
  challenges(): string[] {
    const { methods } = this.#login;
    // Digest first: python-requests takes what stands before it for its own.
    return [...methods]
      .sort()
      .reverse()
      .map((method) => (method === 'basic' ? `Basic realm="${REALM}"` : this.#newNonce()));
  }

  #offers(method: 'basic' | 'digest'): boolean {
    return this.#login.methods.includes(method);
  }

  #letsBasic(credentials: string): boolean {
    const { username, password } = this.#login;
    return Buffer.from(credentials, 'base64').toString() === `${username}:${password}`;
  }

  #newNonce(): string {
    const nonce = this.#chance.bytes(16).toString('hex');
    this.#nonces.set(nonce, 0);
    for (const oldest of this.#nonces.keys()) {
      if (this.#nonces.size <= MAX_NONCES) break;
      this.#nonces.delete(oldest);
    }
    return `Digest realm="${REALM}", nonce="${nonce}", algorithm=MD5, qop="auth"`;
  }

  #letsDigest(given: ReadonlyMap<string, string>, method: string, uri: string): boolean {
    const { username, password } = this.#login;
    const get = (name: string): string => given.get(name) ?? '';
    const count = Number.parseInt(get('nc'), 16);
    const before = this.#nonces.get(get('nonce'));
    if (before === undefined || !(count > before)) return false;
    if (get('username') !== username || get('realm') !== REALM || get('uri') !== uri || get('qop') !== 'auth')
      return false;
    const secret = md5(`${username}:${REALM}:${password}`);
    const what = md5(`${method}:${uri}`);
    const expected = md5(`${secret}:${get('nonce')}:${get('nc')}:${get('cnonce')}:auth:${what}`);
    if (get('response').toLowerCase() !== expected) return false;
    this.#nonces.set(get('nonce'), count);
    return true;
  }
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

function parametersOf(text: string): ReadonlyMap<string, string> {
  const all = text.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g);
  return new Map(
    [...all].map(([, name = '', quoted, bare]) => [
      name.toLowerCase(),
      (quoted ?? bare ?? '').replaceAll(/\\(.)/g, '$1'),
    ]),
  );
}

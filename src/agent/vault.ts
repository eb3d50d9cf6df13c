/**
 * Secrets that HashiCorp Vault keeps, in its key-value engine of version 2: `vault:MOUNT/PATH#KEY`. They are read when they are needed, and
 * kept in memory for a stated time. Facts: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and .../auth/approle.
 */
import type { Clock } from '../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../core/errors.ts';
import { openCancellation } from '../core/signals.ts';
import { readBody } from '../drivers/https.ts';

/** How the agent logs in. What stands in files is read at each login, so that it can be replaced. */
export type VaultLogin =
  | { readonly kind: 'token'; readonly token: () => string }
  | { readonly kind: 'approle'; readonly roleId: () => string; readonly secretId: () => string };

/** Where Vault is, and how it is spoken to. */
interface VaultParts {
  /** `https://vault.example:8200`. */
  readonly address: string;
  readonly login: VaultLogin;
  /** PEM of the authorities that may vouch for it; null: those of Node.js. */
  readonly ca: string | null;
  /** Of Vault Enterprise; null: none. */
  readonly namespace: string | null;
  readonly timeoutMs: number;
  readonly cacheMs: number;
  readonly clock: Clock;
}

/** More is no secret. */
const ANSWER_LIMIT_BYTES = 64 * 1024;
const SECRET_LIMIT = 4096;
/** How long a failure is repeated before the agent asks Vault again. */
const FAILURE_MS = 2000;
/** What part of the time of a login may pass before it is renewed. */
const RENEW_AFTER = 2 / 3;
/** Secrets that are remembered. */
const KEPT_LIMIT = 50_000;

const REFERENCE = /^vault:([\w-]+(?:\/[\w.@ -]+)*)\/([\w.@ -]+)#([\w.-]+)$/;

/** What a reference stands for: the mount is its first part. */
interface Place {
  readonly path: string;
  readonly key: string;
}

/** Reads a reference; null if it is none, or leads elsewhere. */
export function vaultPlace(reference: string): Place | null {
  const [, front, last, key] = REFERENCE.exec(reference) ?? [];
  if (front === undefined || last === undefined || key === undefined) return null;
  const parts = [...front.split('/'), last];
  if (parts.length < 2 || parts.some((part) => /^\.*$/.test(part))) return null;
  const [mount, ...path] = parts.map(encodeURIComponent);
  return { path: `/v1/${mount}/data/${path.join('/')}`, key };
}

type CachedSecret = { readonly until: number } & ({ readonly value: string } | { readonly error: CountermandError });

/** The Vault of one agent. */
export class Vault {
  readonly #parts: VaultParts;
  readonly #kept = new Map<string, CachedSecret>();
  readonly #reading = new Map<string, Promise<void>>();
  #login: { readonly token: string; readonly renewAt: number; readonly endsAt: number } | null = null;

  #loggingIn: Promise<string> | null = null;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  /** True if `get` can answer now. */
  has(reference: string): boolean {
    const kept = this.#kept.get(reference);
    return kept !== undefined && this.#parts.clock.monotonic() < kept.until;
  }

  /** What a reference stands for, once it was read. @throws SECRET_UNREADABLE, without the secret */
  get(reference: string): string {
    const kept = this.#kept.get(reference);
    if (kept === undefined) throw unreadable(reference, 'was not read yet');
    if ('error' in kept) throw kept.error;
    return kept.value;
  }

  /** Reads what is not known, or not any more. Resolves also when that fails: `get` says why. */
  read(reference: string): Promise<void> {
    if (this.has(reference)) return Promise.resolve();
    const reading = this.#reading.get(reference) ?? this.#read(reference);
    this.#reading.set(reference, reading);
    return reading;
  }

  async #read(reference: string): Promise<void> {
    const { clock, cacheMs } = this.#parts;
    try {
      const value = await this.#ask(reference);
      this.#keep(reference, { value, until: clock.monotonic() + cacheMs });
    } catch (thrown) {
      const { code, message } = asCountermandError(thrown);
      const error =
        code === 'SECRET_UNREADABLE' ? fail(code, message) : unreadable(reference, `cannot be read: ${message}`);
      this.#keep(reference, { error, until: clock.monotonic() + FAILURE_MS });
    } finally {
      this.#reading.delete(reference);
    }
  }

  #keep(reference: string, cached: CachedSecret): void {
    this.#kept.delete(reference);
    this.#kept.set(reference, cached);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_LIMIT && oldest !== undefined) this.#kept.delete(oldest);
  }

  async #ask(reference: string): Promise<string> {
    const place = vaultPlace(reference);
    if (place === null) throw unreadable(reference, 'is not of the form vault:MOUNT/PATH#KEY');
    const token = await this.#token();
    let answer = await this.#request('GET', place.path, token);
    // The token was revoked, or it is good and may not read this: another login would change nothing, and may be one of a few.
    if (answer.status === 403 && this.#parts.login.kind === 'approle' && !(await this.#isGood(token))) {
      if (this.#login?.token === token) this.#login = null;
      answer = await this.#request('GET', place.path, await this.#token());
    }
    if (answer.status === 404) throw unreadable(reference, 'is not there, or was deleted');
    if (answer.status !== 200)
      throw unreadable(reference, `cannot be read: Vault answered ${answer.status}${wordsOf(answer.body)}`);
    const value = fieldOf(fieldOf(fieldOf(answer.body, 'data'), 'data'), place.key);
    if (typeof value !== 'string') throw unreadable(reference, `has no text with the key ${place.key}`);
    if (value.length > SECRET_LIMIT) throw unreadable(reference, `is longer than ${SECRET_LIMIT} characters`);
    return value;
  }

  async #isGood(token: string): Promise<boolean> {
    return (await this.#request('GET', '/v1/auth/token/lookup-self', token)).status === 200;
  }

  /** The token to ask with. All questions of a moment share one login. */
  async #token(): Promise<string> {
    const { login, clock } = this.#parts;
    if (login.kind === 'token') return login.token().trim();
    if (this.#login !== null && clock.monotonic() < this.#login.renewAt) return this.#login.token;
    this.#loggingIn ??= this.#renewOrLogIn(login).finally(() => {
      this.#loggingIn = null;
    });
    return this.#loggingIn;
  }

  async #renewOrLogIn(login: VaultLogin & { readonly kind: 'approle' }): Promise<string> {
    const now = this.#parts.clock.monotonic();
    if (this.#login !== null && now < this.#login.endsAt) {
      const renewed = await this.#request('POST', '/v1/auth/token/renew-self', this.#login.token, {});
      if (renewed.status === 200) return this.#logIn(renewed.body, now);
    }
    const asked = { role_id: login.roleId().trim(), secret_id: login.secretId().trim() };
    const answer = await this.#request('POST', '/v1/auth/approle/login', null, asked);
    if (answer.status !== 200)
      throw fail(
        'SECRET_UNREADABLE',
        `Vault refuses the login by AppRole: it answered ${answer.status}${wordsOf(answer.body)}`,
      );
    return this.#logIn(answer.body, now);
  }

  #logIn(body: unknown, now: number): string {
    const auth = fieldOf(body, 'auth');
    const [token, seconds] = [fieldOf(auth, 'client_token'), fieldOf(auth, 'lease_duration')];
    if (typeof token !== 'string' || typeof seconds !== 'number')
      throw fail('SECRET_UNREADABLE', 'the answer of Vault to a login has no token');
    // 0 is a token that does not end.
    const ms = seconds === 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
    this.#login = { token, renewAt: now + ms * RENEW_AFTER, endsAt: now + ms };
    return token;
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    token: string | null,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const { address, ca, namespace, timeoutMs, clock } = this.#parts;
    const { Client } = await import('../drivers/http_client.ts');
    const client = new Client(address, { connect: { timeout: 0, ...(ca !== null && { ca }) } });
    const cancellation = openCancellation([], { clock, afterMs: timeoutMs, what: `an answer of Vault at ${address}` });
    try {
      const answer = await client.request({
        ...{ method, path, signal: cancellation.signal },
        headers: {
          'x-vault-request': 'true',
          ...(token !== null && { 'x-vault-token': token }),
          ...(namespace !== null && { 'x-vault-namespace': namespace }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await readBody(answer.body, ANSWER_LIMIT_BYTES);
      return { status: answer.statusCode, body: parse(text) };
    } catch (error) {
      cancellation.signal.throwIfAborted();
      throw fail('SECRET_UNREADABLE', `Vault at ${address} cannot be asked: ${reasonOf(error)}`, error);
    } finally {
      cancellation.end();
      client.destroy().catch(() => {});
    }
  }
}

const unreadable = (reference: string, why: string): CountermandError =>
  fail('SECRET_UNREADABLE', `${reference} ${why}`);

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? (message || 'its answer is too long');
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What Vault says of an error. */
function wordsOf(body: unknown): string {
  const errors = fieldOf(body, 'errors');
  const words = Array.isArray(errors)
    ? errors
        .filter((each) => typeof each === 'string')
        .join('; ')
        .slice(0, 200)
    : '';
  return words === '' ? '' : ` (${words})`;
}

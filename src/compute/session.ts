/**
 * Requests to the compute service of one cloud: with a token that is renewed before it expires, in a version that both sides speak,
 * each within its time.
 */
import type { Clock } from '../core/clock.ts';
import { asCountermandError, CountermandError, fail } from '../core/errors.ts';
import { requestIdOf } from '../core/request_ids.ts';
import { openCancellation, untilAborted } from '../core/signals.ts';
import type { Cloud } from './cloud.ts';
import { garbled, lost, refusal, type Speaker } from './faults.ts';
import { type Entry, jsonOf, logIn } from './login.ts';
import { type HttpAnswer, type HttpRequest, NotReached, type Transport } from './transport.ts';

/** A token with less than this left is renewed first. */
const LEAST_TOKEN_LIFE_MS = 120_000;
/** A login that was refused is not tried again for this long: Keystone may lock the user. */
const AFTER_REFUSAL_MS = 60_000;
/** Aborts of what waits for a slot need this version. */
const OLDEST_MINOR = 65;
/** What we know of the service ends here: what a newer version leaves out of its answers does not surprise us. */
const NEWEST_MINOR = 90;

/** One request below the endpoint. */
export interface Asked {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  /** The uuid of the action that asks; absent for what only reads. */
  readonly by?: string;
}

/** The outcome of a request; `lost` if it was sent and its answer is not known. */
export type Came =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'unsent' | 'lost'; readonly error: CountermandError };

interface Ready extends Entry {
  /** The version of each request, such as 2.90. */
  readonly version: string;
}

/** The requests of one conductor to one cloud. */
export class Session {
  readonly #cloud: Cloud;
  readonly #transport: Transport;
  readonly #clock: Clock;
  #ready: Ready | null = null;
  #opening: Promise<Ready> | null = null;
  #refused: { readonly error: CountermandError; readonly until: number } | null = null;

  constructor(cloud: Cloud, transport: Transport, clock: Clock) {
    this.#cloud = cloud;
    this.#transport = transport;
    this.#clock = clock;
  }

  /** What errors name. */
  get speaker(): Speaker {
    const token = this.#ready?.token ?? null;
    return { cloud: this.#cloud.name, what: 'the compute service', secrets: token === null ? [] : [token] };
  }

  /**
   * The answer to a request, whatever its status. A token that the service does not accept any more is renewed, and the request is
   * sent a second time: the first has done nothing. Never rejects: after an abort of the signal the error is its reason.
   */
  async send(asked: Asked, signal: AbortSignal): Promise<Came> {
    for (let attempt = 0; ; attempt += 1) {
      const ready = await this.#open(signal).catch((thrown: unknown) => asCountermandError(thrown));
      if (signal.aborted) return { kind: 'unsent', error: asCountermandError(signal.reason) };
      if (ready instanceof CountermandError) return { kind: 'unsent', error: ready };
      const came = await this.#sendOnce(asked, ready, signal);
      if (came.kind !== 'answer' || came.answer.status !== 401 || attempt > 0) return came;
      if (this.#ready === ready) this.#ready = null;
    }
  }

  async #sendOnce({ method, path, body, by }: Asked, ready: Ready, signal: AbortSignal): Promise<Came> {
    const request: HttpRequest = {
      method,
      url: `${ready.endpoint}${path}`,
      headers: {
        accept: 'application/json',
        'openstack-api-version': `compute ${ready.version}`,
        ...(ready.token !== null && { 'x-auth-token': ready.token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(by !== undefined && { 'x-openstack-request-id': requestIdOf(by) }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    };
    return this.#within(request, this.speaker, signal);
  }

  /** Sends one request within the time of one. */
  async #within(request: HttpRequest, speaker: Speaker, signal: AbortSignal): Promise<Came> {
    const what = `cloud '${this.#cloud.name}': ${request.method} ${request.url}`;
    const limit = { clock: this.#clock, afterMs: this.#cloud.timeoutMs, what };
    const cancellation = openCancellation([signal], limit);
    try {
      const answer = await untilAborted(this.#transport(request, cancellation.signal), cancellation.signal);
      return { kind: 'answer', answer };
    } catch (thrown) {
      if (signal.aborted) return { kind: 'lost', error: asCountermandError(signal.reason) };
      const tookTooLong = cancellation.signal.aborted;
      const error = tookTooLong ? fail('COMPUTE_SILENT', asCountermandError(thrown).message) : lost(thrown, speaker);
      return { kind: isUnsent(thrown) ? 'unsent' : 'lost', error };
    } finally {
      cancellation.end();
    }
  }

  /** Who waits for a login shares it, and an abort of one of them does not end it for the others. */
  #open(signal: AbortSignal): Promise<Ready> {
    const ready = this.#ready;
    if (ready !== null && !this.#isOld(ready)) return Promise.resolve(ready);
    if (this.#opening === null) {
      const opening = this.#begin().finally(() => {
        this.#opening = null;
      });
      opening.catch(() => {});
      this.#opening = opening;
    }
    return untilAborted(this.#opening, signal);
  }

  #isOld({ expiresAt }: Entry): boolean {
    return expiresAt !== null && expiresAt - this.#clock.now() < LEAST_TOKEN_LIFE_MS;
  }

  async #begin(): Promise<Ready> {
    if (this.#refused && this.#clock.monotonic() < this.#refused.until) throw this.#refused.error;
    const what = `cloud '${this.#cloud.name}': the login`;
    const cancellation = openCancellation([], { clock: this.#clock, afterMs: this.#cloud.timeoutMs, what });
    const { signal } = cancellation;
    try {
      const entry = await untilAborted(logIn(this.#cloud, this.#transport, signal), signal);
      const version = this.#ready?.endpoint === entry.endpoint ? this.#ready.version : null;
      this.#ready = { ...entry, ...(await this.#versionOf(entry, version, signal)) };
      this.#refused = null;
      return this.#ready;
    } catch (thrown) {
      const error = asCountermandError(thrown);
      const until = this.#clock.monotonic() + AFTER_REFUSAL_MS;
      if (error.code === 'COMPUTE_LOGIN_REFUSED') this.#refused = { error, until };
      throw error.code === 'TOOK_TOO_LONG' ? fail('COMPUTE_SILENT', error.message) : error;
    } finally {
      cancellation.end();
    }
  }

  /** The version to speak, and the endpoint that speaks it. @throws COMPUTE_TOO_OLD */
  async #versionOf(
    { endpoint: given }: Entry,
    known: string | null,
    signal: AbortSignal,
  ): Promise<Pick<Ready, 'version' | 'endpoint'>> {
    const endpoint = /\/v2(\.\d+)?(\/|$)/.test(given) ? given : `${given}/v2.1`;
    if (known !== null) return { version: known, endpoint };
    const root = endpoint.replace(/(\/v2(\.\d+)?)(\/.*)?$/, '$1');
    const speaker: Speaker = { cloud: this.#cloud.name, what: `the compute service at ${root}`, secrets: [] };
    const request: HttpRequest = {
      method: 'GET',
      url: `${root}/`,
      headers: { accept: 'application/json' },
      body: null,
    };
    const came = await this.#within(request, speaker, signal);
    if (came.kind !== 'answer') throw came.error;
    if (came.answer.status !== 200) throw refusal(came.answer, speaker);
    const { version } = (jsonOf(came.answer.body) ?? {}) as { version?: { version?: unknown } };
    const newest = typeof version?.version === 'string' ? version.version : null;
    if (newest === null)
      throw garbled(speaker, 'it does not say which versions it speaks; is this the compute service?');
    const minor = Number(/^2\.(\d+)$/.exec(newest)?.[1] ?? 0);
    if (minor < OLDEST_MINOR)
      throw fail(
        'COMPUTE_TOO_OLD',
        `cloud '${this.#cloud.name}': the compute service speaks up to version ${newest || '2.1'}, and 2.${OLDEST_MINOR} is needed`,
      );
    return { version: `2.${Math.min(minor, NEWEST_MINOR)}`, endpoint };
  }
}

/** Nothing was sent, as the transport knows. */
const isUnsent = (thrown: unknown): boolean => thrown instanceof NotReached;

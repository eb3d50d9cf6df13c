/**
 * How users log in: Basic with each request, or a session that is kept for each BMC and user until `close`. A login that was
 * refused is not tried again, in no other way.
 */
import { CountermandError, fail } from '../../core/errors.ts';
import type { Places } from '../../core/places.ts';
import { openCancellation, untilAborted } from '../../core/signals.ts';
import { jsonOf } from '../https.ts';
import { exchange, type HttpParts, type RedfishReply, redirectIn } from './http.ts';
import { bmcName, originOf, pathIn, type RedfishInfo } from './info.ts';
import { codeOf, idsOf, readSaid } from './messages.ts';
import { sameOriginPath, serviceRoot } from './pages.ts';

/** A session of one user with one BMC. */
interface Session {
  readonly token: string;
  /** The path that ends it with a DELETE; null if the BMC has not named one. */
  readonly path: string | null;
  readonly info: RedfishInfo;
  readonly ip: string;
}

/** How long the BMC may take to open a session, and to answer a page. */
export const PAGE_LIMIT_MS = 10_000;
/** How long the end of a session may take when the agent stops. */
const CLOSE_LIMIT_MS = 2000;

/** Makes the headers that log users in, with sessions where they are needed. */
export class Sessions {
  readonly #parts: HttpParts;
  readonly #places: Places;
  /** Sessions, and those that are being opened, by BMC, user and password. */
  readonly #sessions = new Map<string, Promise<Session>>();
  /** The BMCs that have said that they do not offer Basic. */
  readonly #withoutBasic = new Set<string>();

  /** @param places for the ends of sessions at `close`, which may be many */
  constructor(parts: HttpParts, places: Places) {
    this.#parts = parts;
    this.#places = places;
  }

  /**
   * The headers of a request that is logged in. Opens a session if one is needed and there is none.
   * @throws a code of PROVES_NOT_SENT; at an abort its reason
   */
  async headers(info: RedfishInfo, ip: string, signal: AbortSignal): Promise<Record<string, string>> {
    const { redfish_username: username, redfish_password: password } = info;
    if (this.#isBasic(info))
      return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
    const { token } = await this.#session(info, ip, signal);
    return { 'x-auth-token': token };
  }

  /** What errors must not show: the password, and the token of a session. */
  secretsOf(info: RedfishInfo, headers: Readonly<Record<string, string>>): string[] {
    const { 'x-auth-token': token } = headers;
    return [info.redfish_password, ...(token === undefined ? [] : [token])];
  }

  /**
   * Notes that a request with these headers was refused because it had no login. It was not carried out.
   * @returns true if another request may succeed: the session had ended, or the BMC wants one
   */
  mayAskAgain(info: RedfishInfo, headers: Readonly<Record<string, string>>, reply: RedfishReply): boolean {
    if (headers['x-auth-token'] !== undefined) {
      this.#sessions.delete(sessionKey(info));
      return true;
    }
    const offers = reply.header('www-authenticate');
    if (info.redfish_auth_type !== 'auto' || offers === undefined || /\bbasic\b/i.test(offers)) return false;
    this.#withoutBasic.add(originOf(info));
    return true;
  }

  /** How many are open or being opened. */
  get open(): number {
    return this.#sessions.size;
  }

  /** Ends all sessions, as far as the BMCs take part. It does not wait for them. */
  close(): void {
    for (const opening of this.#sessions.values()) opening.then((session) => this.#end(session)).catch(() => {});
    this.#sessions.clear();
  }

  #isBasic(info: RedfishInfo): boolean {
    const { redfish_auth_type: type } = info;
    return type === 'basic' || (type === 'auto' && !this.#withoutBasic.has(originOf(info)));
  }

  /** Several that need the same one wait for one login. It goes on when one of them gives up. */
  #session(info: RedfishInfo, ip: string, signal: AbortSignal): Promise<Session> {
    const key = sessionKey(info);
    const known = this.#sessions.get(key);
    if (known) return untilAborted(known, signal);
    const cancellation = openCancellation([]);
    const opening = this.#open(info, ip, cancellation.signal).finally(() => cancellation.end());
    this.#sessions.set(key, opening);
    opening.catch(() => {
      if (this.#sessions.get(key) === opening) this.#sessions.delete(key);
    });
    return untilAborted(opening, signal);
  }

  async #open(info: RedfishInfo, ip: string, signal: AbortSignal): Promise<Session> {
    const ask = { timeoutMs: PAGE_LIMIT_MS, ip };
    try {
      const root = await exchange(info, { ...ask, method: 'GET', path: pathIn(info, '') }, this.#parts, signal);
      const link = serviceRoot.safeParse(jsonOf(root.text)).data?.Links?.Sessions?.['@odata.id'];
      const path = sameOriginPath(info, link ?? pathIn(info, 'SessionService/Sessions'));
      const body = { UserName: info.redfish_username, Password: info.redfish_password };
      const post = { ...ask, method: 'POST', path, body } as const;
      const first = await exchange(info, post, this.#parts, signal);
      const moved = redirectIn(first);
      if (moved === null) return sessionIn(first, info, ip);
      const there = { ...post, path: sameOriginPath(info, moved) };
      return sessionIn(await exchange(info, there, this.#parts, signal), info, ip);
    } catch (error) {
      // A garbled answer to an order leaves open what was done. This one was none.
      if (error instanceof CountermandError && error.code === 'BMC_GARBLED')
        throw fail('BMC_PROTOCOL_VIOLATION', `no session could be opened: ${error.message}`, error);
      throw error;
    }
  }

  async #end({ token, path, info, ip }: Session): Promise<void> {
    if (path === null) return;
    const cancellation = openCancellation([]);
    const request = {
      method: 'DELETE',
      path,
      headers: { 'x-auth-token': token },
      timeoutMs: CLOSE_LIMIT_MS,
      ip,
    } as const;
    const end = () => exchange(info, request, this.#parts, cancellation.signal);
    await this.#places.hold(end, cancellation.signal).finally(() => cancellation.end());
  }
}

const sessionKey = (info: RedfishInfo): string =>
  JSON.stringify([originOf(info), info.redfish_username, info.redfish_password]);

/** Reads the answer to the POST of a session. The answer itself is never shown: it may repeat the password. */
function sessionIn(reply: RedfishReply, info: RedfishInfo, ip: string): Session {
  const who = `the BMC ${bmcName(info)}`;
  const { status } = reply;
  const page = jsonOf(reply.text);
  const token = reply.header('x-auth-token');
  if ([200, 201, 204].includes(status)) {
    if (!token) throw fail('BMC_PROTOCOL_VIOLATION', `${who} opens a session and gives no X-Auth-Token for it`);
    return { token, path: sessionPath(info, reply, page), info, ip };
  }
  const said = readSaid(page, [info.redfish_password]);
  const why = idsOf(status, said);
  const meant = codeOf(said);
  if (meant === 'BMC_NO_SESSION')
    throw fail(
      'BMC_NO_SESSION',
      `${who} has no session left (${why}); end one there, or set redfish_auth_type to basic`,
    );
  if (status === 401 || status === 403 || meant === 'BMC_LOGIN_REFUSED')
    throw fail(
      'BMC_LOGIN_REFUSED',
      `${who} refuses to open a session (${why}); check redfish_username and redfish_password`,
    );
  if (status === 503 || status === 429) throw fail('BMC_BUSY', `${who} opens no session now (${why}); try again later`);
  throw fail('BMC_PROTOCOL_VIOLATION', `${who} opens no session (${why}); redfish_auth_type basic needs none`);
}

/** Some leave out Location, and name the session in the body. One at another place is not ended there. */
function sessionPath(info: RedfishInfo, reply: RedfishReply, page: unknown): string | null {
  const named = reply.header('location') ?? serviceRoot.safeParse(page).data?.['@odata.id'];
  try {
    return named ? sameOriginPath(info, named) : null;
  } catch {
    return null;
  }
}

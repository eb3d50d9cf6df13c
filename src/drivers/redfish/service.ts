/** A Redfish service that is asked logged in, with at most one redirect, and whose pages are read. */
import { CountermandError, fail } from '../../core/errors.ts';
import type { Places } from '../../core/places.ts';
import { jsonOf } from '../https.ts';
import type { Logins } from '../logins.ts';
import { exchange, type HttpParts, type RedfishReply, type RedfishRequest, redirectIn } from './http.ts';
import { accountOf, bmcName, pathIn, type RedfishInfo } from './info.ts';
import { codeOf, readSaid, type Said, wordsOf } from './messages.ts';
import { sameOriginPath } from './pages.ts';
import { PAGE_LIMIT_MS, Sessions } from './sessions.ts';

/** What is asked of the service at an IP address. */
export type Question = Omit<RedfishRequest, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** An answer, and what it says about an error, with secrets masked. */
export interface Answer {
  readonly reply: RedfishReply;
  /** Its JSON; undefined if it is none. */
  readonly page: unknown;
  readonly said: Said | null;
}

/** Asks Redfish services. */
export class Services {
  readonly #parts: HttpParts;
  readonly #logins: Logins;
  readonly #sessions: Sessions;

  /**
   * @param logins what is known of refused logins
   * @param places for the ends of sessions at `close`, which may be many
   */
  constructor(parts: HttpParts, logins: Logins, places: Places) {
    this.#parts = parts;
    this.#logins = logins;
    this.#sessions = new Sessions(parts, places);
  }

  /**
   * Asks, logged in. After an answer that proves that nothing was carried out, it asks once more where that may help: at the place
   * of a redirect, and with a new session.
   * @throws as `exchange`; BMC_PROTOCOL_VIOLATION for a redirect to another origin, and for a second one; BMC_LOGIN_REFUSED, and for
   * a while after it without asking
   */
  ask(info: RedfishInfo, question: Question, signal: AbortSignal): Promise<Answer> {
    return this.#logins.attempt(accountOf(info, question.ip), () => this.#ask(info, question, true, signal));
  }

  async #ask(info: RedfishInfo, question: Question, isLoggedIn: boolean, signal: AbortSignal): Promise<Answer> {
    let { path } = question;
    let followed = false;
    let renewed = false;
    for (;;) {
      const login = isLoggedIn ? await this.#sessions.headers(info, question.ip, signal) : {};
      const headers = { ...question.headers, ...login };
      const reply = await exchange(info, { ...question, path, headers }, this.#parts, signal);
      const location = redirectIn(reply);
      if (location !== null) {
        if (followed)
          throw fail('BMC_PROTOCOL_VIOLATION', `the BMC ${bmcName(info)} redirects ${path} again and again`);
        path = sameOriginPath(info, location);
        followed = true;
      } else if (reply.status === 401 && isLoggedIn && !renewed && this.#sessions.mayAskAgain(info, login, reply)) {
        renewed = true;
      } else {
        const page = jsonOf(reply.text);
        const said = readSaid(page, this.#sessions.secretsOf(info, login));
        if (reply.status === 401) throw loginRefused(bmcName(info), wordsOf(reply.status, said));
        return { reply, page, said };
      }
    }
  }

  /**
   * Reads a page.
   * @param uri a path, or a URL of the same origin
   * @returns its JSON and ETag; null if there is no such page
   * @throws one of the BMC_ codes
   */
  async page(
    info: RedfishInfo,
    uri: string,
    ip: string,
    signal: AbortSignal,
  ): Promise<{ page: unknown; etag: string | undefined } | null> {
    const path = sameOriginPath(info, uri);
    const question = { method: 'GET', path, timeoutMs: PAGE_LIMIT_MS, ip } as const;
    return this.#read(info, path, await this.ask(info, question, signal));
  }

  /**
   * Reads `/redfish/v1/`, which needs no login: what it answers says nothing about one.
   * @returns its JSON; null if there is no such page; undefined if it wants a login all the same
   */
  async root(info: RedfishInfo, ip: string, signal: AbortSignal): Promise<unknown> {
    const path = pathIn(info, '');
    try {
      const question = { method: 'GET', path, timeoutMs: PAGE_LIMIT_MS, ip } as const;
      return this.#read(info, path, await this.#ask(info, question, false, signal))?.page ?? null;
    } catch (error) {
      if (error instanceof CountermandError && error.code === 'BMC_LOGIN_REFUSED') return undefined;
      throw error;
    }
  }

  #read(info: RedfishInfo, path: string, answer: Answer): { page: unknown; etag: string | undefined } | null {
    const { reply, page } = answer;
    if (reply.status === 200) {
      if (typeof page === 'object' && page !== null && !Array.isArray(page))
        return { page, etag: reply.header('etag') };
      throw fail(
        'BMC_GARBLED',
        `the BMC ${bmcName(info)} answers with something that is no page of Redfish to GET ${path}`,
      );
    }
    if (reply.status === 404 || reply.status === 410) return null;
    throw refusedPage(answer, bmcName(info), `GET ${path}`);
  }

  /** How many sessions are open or being opened. */
  get sessions(): number {
    return this.#sessions.open;
  }

  /** Ends all sessions. */
  close(): void {
    this.#sessions.close();
  }
}

function loginRefused(bmc: string, words: string): CountermandError {
  return fail(
    'BMC_LOGIN_REFUSED',
    `the BMC ${bmc} refuses the login (${words}); check redfish_username and redfish_password; if Basic is switched off there, ` +
      'set redfish_auth_type to session',
  );
}

function refusedPage({ reply, said }: Answer, bmc: string, what: string): CountermandError {
  const { status } = reply;
  const who = `the BMC ${bmc}`;
  const words = wordsOf(status, said);
  const meant = codeOf(said);
  if (meant === 'BMC_NO_SESSION') return fail(meant, `${who} has no session left (${words})`);
  if (meant === 'BMC_LOGIN_REFUSED') return loginRefused(bmc, words);
  if (status === 403) return fail('BMC_PRIVILEGE_TOO_LOW', `${who} does not let the user read (${words})`);
  if (status === 429 || status === 503) return fail('BMC_BUSY', `${who} asks to come back later (${words})`);
  if (status >= 500) return fail('BMC_GARBLED', `${who} answers ${words} to ${what}`);
  return fail(
    'BMC_PROTOCOL_VIOLATION',
    `what answers at ${bmc} does not answer ${what} as Redfish does (${words}); check redfish_address`,
  );
}

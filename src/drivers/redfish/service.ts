/** A Redfish service that is asked logged in, with at most one redirect, and whose pages are read. */
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { exchange, type RedfishReply, type RedfishRequest, redirectIn } from './http.ts';
import { bmcName, type RedfishInfo } from './info.ts';
import { Logins, PAGE_LIMIT_MS } from './logins.ts';
import { codeOf, readSaid, type Said } from './messages.ts';
import { jsonOf, sameOriginPath } from './pages.ts';

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
  readonly #clock: Clock;
  readonly #logins: Logins;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#logins = new Logins(clock);
  }

  /**
   * Asks, logged in. After an answer that proves that nothing was carried out, it asks once more where that may help: at the place
   * of a redirect, and with a new session.
   * @throws as `exchange`; BMC_PROTOCOL_VIOLATION for a redirect to another origin, and for a second one
   */
  async ask(info: RedfishInfo, question: Question, signal: AbortSignal): Promise<Answer> {
    let { path } = question;
    let followed = false;
    let renewed = false;
    for (;;) {
      const login = await this.#logins.headers(info, question.ip, signal);
      const headers = { ...question.headers, ...login };
      const reply = await exchange(info, { ...question, path, headers }, this.#clock, signal);
      const location = redirectIn(reply);
      if (location !== null) {
        if (followed)
          throw fail('BMC_PROTOCOL_VIOLATION', `the BMC ${bmcName(info)} redirects ${path} again and again`);
        path = sameOriginPath(info, location);
        followed = true;
      } else if (reply.status === 401 && !renewed && this.#logins.mayAskAgain(info, login, reply)) {
        renewed = true;
      } else {
        const page = jsonOf(reply.text);
        return { reply, page, said: readSaid(page, this.#logins.secretsOf(info, login)) };
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
    const answer = await this.ask(info, { method: 'GET', path, timeoutMs: PAGE_LIMIT_MS, ip }, signal);
    const { reply, page, said } = answer;
    const who = `the BMC ${bmcName(info)}`;
    if (reply.status === 200) {
      if (typeof page === 'object' && page !== null && !Array.isArray(page))
        return { page, etag: reply.header('etag') };
      throw fail('BMC_GARBLED', `${who} answers with something that is no page of Redfish to GET ${path}`);
    }
    if (reply.status === 404 || reply.status === 410) return null;
    throw refusedPage(answer, who, `GET ${path}`, said);
  }

  /** Ends all sessions. */
  close(): void {
    this.#logins.close();
  }
}

function refusedPage({ reply: { status } }: Answer, who: string, what: string, said: Said | null) {
  const words = said === null || said.words === '' ? `HTTP ${status}` : `HTTP ${status}: ${said.words}`;
  const meant = codeOf(said);
  if (meant === 'BMC_NO_SESSION') return fail(meant, `${who} has no session left (${words})`);
  if (status === 401 || meant === 'BMC_LOGIN_REFUSED')
    return fail(
      'BMC_LOGIN_REFUSED',
      `${who} refuses the login (${words}); check redfish_username and redfish_password; if Basic is switched off there, set ` +
        'redfish_auth_type to session',
    );
  if (status === 403) return fail('BMC_PRIVILEGE_TOO_LOW', `${who} does not let the user read (${words})`);
  if (status === 429 || status === 503) return fail('BMC_BUSY', `${who} asks to come back later (${words})`);
  if (status >= 500) return fail('BMC_GARBLED', `${who} answers ${words} to ${what}`);
  return fail(
    'BMC_PROTOCOL_VIOLATION',
    `what answers at ${who} does not answer ${what} as Redfish does (${words}); check redfish_address`,
  );
}

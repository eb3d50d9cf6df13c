/**
 * One exchange with an iRMC over HTTP: a connection of its own, so that nothing was sent as long as it is not there, and
 * nothing is ever sent again by itself.
 */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import { CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { pinnedTo } from '../../core/pinned.ts';
import { openCancellation, throwIfOver } from '../../core/signals.ts';
import { hostAndPort } from '../address.ts';
import type { Authorities, TlsTrust } from '../authorities.ts';
import { asking, httpAsked, httpTold } from '../exchange_spans.ts';
import { openLine, readBody, TooLong } from '../https.ts';
import type { Logins } from '../logins.ts';
import type { Lookups } from '../lookups.ts';
import { accountOf } from './accounts.ts';
import { answerChallenge, type Challenge, readChallenge } from './digest.ts';
import { endpointOf, type IrmcInfo, irmcName } from './info.ts';
import { REPLY_LIMIT } from './scci.ts';

/** What is asked. */
interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  /** It changes something: when the answer is lost, the outcome is unknown. */
  readonly order: boolean;
  readonly timeoutMs: number;
  /** The IP address that it goes to; looked up if left out. */
  readonly address?: string;
}

/** What is needed to ask. */
export interface HttpParts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly lookups: Lookups;
  readonly logins: Logins;
  readonly authorities: Authorities;
}

/** What was answered. */
interface HttpReply {
  readonly status: number;
  readonly challenge: Challenge | null;
  readonly body: string;
}

/** The nonce that an iRMC has given, and how often it was used. */
const nonces = new WeakMap<IrmcInfo, { readonly challenge: Challenge; count: number }>();

/**
 * Asks, logged in, and answers the body of a good answer.
 * @throws as `setPowerState` of driver.ts says for an order, and as `getPowerState` for anything else; at an abort its reason
 */
export async function exchange(
  info: IrmcInfo,
  request: HttpRequest,
  parts: HttpParts,
  signal: AbortSignal,
): Promise<string> {
  // Loaded at the first exchange, as most agents have no iRMC, and before the limit begins.
  const http = await import('../http_client.ts');
  const age = request.order ? 'anew' : 'recent';
  const address =
    request.address ?? (await parts.lookups.findBmc(info.irmc_address, 'irmc_address', info, age, signal));
  const isSecure = endpointOf(info).protocol === 'https';
  const trust = isSecure ? await parts.authorities.trust(info.irmc_verify_ca, 'irmc_verify_ca', signal) : {};
  const limit = { clock: parts.clock, afterMs: request.timeoutMs, what: `an answer of the iRMC ${irmcName(info)}` };
  const cancellation = openCancellation([signal], limit);
  try {
    const ask = { ...request, address, trust };
    const account = accountOf(info, address, 'HTTP');
    return await parts.logins.attempt(account, () => askLoggedIn(info, ask, parts, http, cancellation.signal));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    cancellation.end();
  }
}

/** A request whose way is known. */
type Ask = HttpRequest & { readonly address: string; readonly trust: Partial<TlsTrust> };

async function askLoggedIn(
  info: IrmcInfo,
  request: Ask,
  parts: HttpParts,
  http: Http,
  signal: AbortSignal,
): Promise<string> {
  const ask = (): Promise<HttpReply> => {
    const { method, path } = request;
    const attempted = () => attempt(info, request, authorization(info, request, parts), http, parts.clock, signal);
    return asking(signal, () => httpAsked(method, originOf(info), path), attempted, httpTold);
  };
  const first = await ask();
  if (first.status !== 401 || first.challenge === null || info.irmc_auth_method === 'basic')
    return bodyOf(first, info, request);
  // Refused because the login is missing or too old: it was not carried out.
  nonces.set(info, { challenge: first.challenge, count: 0 });
  const second = await ask();
  return bodyOf(second, info, request);
}

function authorization(info: IrmcInfo, { method, path }: HttpRequest, { chance }: HttpParts): string | null {
  const { irmc_username: username, irmc_password: password } = info;
  if (info.irmc_auth_method === 'basic') return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const known = nonces.get(info);
  if (known === undefined) return null;
  known.count += 1;
  return answerChallenge(known.challenge, { username, password, method, path }, known.count, chance);
}

type Http = typeof import('../http_client.ts');

function originOf(info: IrmcInfo): string {
  const { protocol, port } = endpointOf(info);
  return `${protocol}://${hostAndPort(info.irmc_address, port)}`;
}

/** One request on a connection of its own. */
async function attempt(
  info: IrmcInfo,
  { method, path, body, order, address, trust }: Ask,
  login: string | null,
  { Client, buildConnector }: Http,
  clock: Clock,
  signal: AbortSignal,
): Promise<HttpReply> {
  const origin = originOf(info);
  // Times are of our clock: the client's own timers are off.
  const line = openLine(buildConnector, { timeout: 0, lookup: pinnedTo(address), ...trust }, signal);
  const options = { headersTimeout: 0, bodyTimeout: 0, connect: line.connect };
  const client = new Client(origin, options);
  let connected = false;
  client.on('connect', () => {
    connected = true;
  });
  const headers: Record<string, string> =
    body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  if (login !== null) headers.authorization = login;
  try {
    throwIfOver(signal);
    const reply = await client.request({ method, path, headers, body: body ?? null, signal });
    const text = await readBody(reply.body, REPLY_LIMIT);
    await line.end(clock);
    return { status: reply.statusCode, challenge: readChallenge(reply.headers['www-authenticate']), body: text };
  } catch (error) {
    throw connected ? afterSending(error, info, order) : beforeSending(error, info);
  } finally {
    await client.destroy().catch(() => {});
  }
}

/** What a system or TLS says while a connection is made; nothing was sent. `$` is what exactly it says. */
const CONNECTING: readonly (readonly [pattern: RegExp, code: ErrorCode, sentence: string])[] = [
  [/^ECONNREFUSED$/, 'BMC_PORT_CLOSED', 'cannot be reached: its port is closed; check irmc_port'],
  [
    /^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EINVAL)$/,
    'BMC_NO_ROUTE',
    'cannot be reached ($); check the routes to it',
  ],
  [
    /CERT|ISSUER|SIGNATURE|HOSTNAME|CHAIN/,
    'BMC_CERTIFICATE_REFUSED',
    'shows a certificate that is not accepted ($); nothing was sent to it. Give it a good one, or name its authority in irmc_verify_ca',
  ],
  [/SSL|EPROTO|TLS/, 'BMC_PROTOCOL_VIOLATION', 'does not speak TLS as we do ($); check irmc_port and irmc_protocol'],
];

function beforeSending(error: unknown, info: IrmcInfo): CountermandError {
  const who = `the iRMC ${irmcName(info)}`;
  if (error instanceof CountermandError)
    return error.code === 'TOOK_TOO_LONG'
      ? fail('BMC_SILENT', `${who} is silent: no connection; nothing was sent to it`, error)
      : error;
  const code = String((error as NodeJS.ErrnoException)?.code ?? '');
  const row = CONNECTING.find(([pattern]) => pattern.test(code));
  if (row) return fail(row[1], `${who} ${row[2].replace('$', () => code)}`, error);
  return fail(
    'BMC_PROTOCOL_VIOLATION',
    `${who} cuts the connection off before anything was sent to it (${code})`,
    error,
  );
}

function afterSending(error: unknown, info: IrmcInfo, order: boolean): CountermandError {
  const who = `the iRMC ${irmcName(info)}`;
  const done = order ? '; the command may have been carried out' : '';
  if (error instanceof TooLong)
    return fail('BMC_GARBLED', `${who} answers with more than ${REPLY_LIMIT} bytes${done}`, error);
  if (error instanceof CountermandError) {
    if (error.code !== 'TOOK_TOO_LONG') return error;
    return order
      ? fail('NO_ANSWER', `${who} did not answer the command${done}`, error)
      : fail('BMC_SILENT', `${who} took the question and does not answer`, error);
  }
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/^(HPE|UND_ERR_HEADERS|UND_ERR_RES)/.test(code))
    return fail('BMC_GARBLED', `${who} answers with something that is no HTTP (${code})${done}`, error);
  return order
    ? fail('NO_ANSWER', `${who} cut the connection off instead of an answer (${code})${done}`, error)
    : fail('BMC_GARBLED', `${who} cut the connection off instead of an answer (${code})`, error);
}

/** What each kind of answer that is none means. With these codes nothing was carried out, but for the last. */
function bodyOf({ status, body }: HttpReply, info: IrmcInfo, { order, path }: HttpRequest): string {
  const who = `the iRMC ${irmcName(info)}`;
  // Some refuse a login in a page with status 200.
  if (status === 401 || body.includes('Login required to continue.'))
    throw fail(
      'BMC_LOGIN_REFUSED',
      `${who} refuses the login (HTTP ${status}); check irmc_username, irmc_password and irmc_auth_method`,
    );
  if (status === 200 || status === 201) return body;
  if (status === 403) throw fail('BMC_PRIVILEGE_TOO_LOW', `${who} does not let the user do it (HTTP 403)`);
  if (status === 503 || status === 429) throw fail('BMC_BUSY', `${who} asks to come back later (HTTP ${status})`);
  if (status >= 300 && status < 500)
    throw fail(
      'BMC_PROTOCOL_VIOLATION',
      `what answers at ${irmcName(info)} has no ${path} (HTTP ${status}); check irmc_address, irmc_port and irmc_protocol`,
    );
  const done = order ? '; the command may have been carried out' : '';
  throw fail('BMC_GARBLED', `${who} answers HTTP ${status}${done}`);
}

/**
 * One exchange with a Redfish service: a connection of its own, so that nothing was sent as long as there is none. It follows
 * no redirect, repeats nothing, and knows no login: the caller gives the headers.
 */
import type { Clock } from '../../core/clock.ts';
import { CountermandError, type ErrorCode, fail } from '../../core/errors.ts';
import { BMC_LIMITS } from '../../core/limits.ts';
import { pinnedTo } from '../../core/pinned.ts';
import { openCancellation, throwIfOver } from '../../core/signals.ts';
import type { Authorities, TlsTrust } from '../authorities.ts';
import { asking, httpAsked, httpTold } from '../exchange_spans.ts';
import { openLine, readBody, TooLong } from '../https.ts';
import { bmcName, originOf, type RedfishInfo, tlsOf } from './info.ts';

/** What is asked. */
export interface RedfishRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** It is an order: if the answer is lost, it may have been carried out. */
  readonly order?: boolean;
  readonly timeoutMs: number;
  /** The IP address that it goes to. */
  readonly ip: string;
}

/** What is needed to ask. */
export interface HttpParts {
  readonly clock: Clock;
  readonly authorities: Authorities;
}

/** What was answered, whatever its status is. */
export interface RedfishReply {
  readonly status: number;
  /** A header, by its name in lower case; undefined if it is missing. */
  header(name: string): string | undefined;
  readonly text: string;
}

const { limit: REPLY_LIMIT } = BMC_LIMITS.bmc_page_bytes;

/** To these nothing was carried out, and the same may be asked at the place that they name. */
const REDIRECTS: readonly number[] = [301, 302, 307, 308];

/** Where an answer redirects to; null if it does not. */
export function redirectIn(reply: RedfishReply): string | null {
  return REDIRECTS.includes(reply.status) ? (reply.header('location') ?? null) : null;
}

const DOUBT = '; the order may have been carried out';

/**
 * Asks once.
 * @throws before anything was sent: a code of PROVES_NOT_SENT. Afterwards: BMC_SILENT or BMC_GARBLED, for an order NO_ANSWER or
 * BMC_GARBLED. At an abort: its reason
 */
export async function exchange(
  info: RedfishInfo,
  request: RedfishRequest,
  { clock, authorities }: HttpParts,
  signal: AbortSignal,
): Promise<RedfishReply> {
  // Loaded before the limit begins.
  const http = await import('../http_client.ts');
  const isSecure = info.redfish_address.protocol === 'https';
  const trust = isSecure ? await authorities.trust(info.redfish_verify_ca, 'redfish_verify_ca', signal) : {};
  const what = `an answer of the BMC ${bmcName(info)}`;
  const cancellation = openCancellation([signal], { clock, afterMs: request.timeoutMs, what });
  try {
    const ask = () => attempt(info, { ...request, trust }, http, clock, cancellation.signal);
    return await asking(signal, () => httpAsked(request.method, originOf(info), request.path), ask, httpTold);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    cancellation.end();
  }
}

type Http = typeof import('../http_client.ts');

async function attempt(
  info: RedfishInfo,
  { method, path, body, headers, order = false, ip, trust }: RedfishRequest & { readonly trust: Partial<TlsTrust> },
  { Client, buildConnector }: Http,
  clock: Clock,
  signal: AbortSignal,
): Promise<RedfishReply> {
  const own = tlsOf(info);
  // A context that is ready has no versions or ciphers of one node.
  const context = Object.keys(own).length > 0 ? undefined : trust.secureContext;
  const tls = info.redfish_address.protocol === 'https' ? { ...trust, ...own, secureContext: context } : {};
  let connected = false;
  let client: InstanceType<Http['Client']> | undefined;
  try {
    // The client's own timers are off: time is that of our clock. It throws if it cannot read the list of ciphers.
    const line = openLine(buildConnector, { timeout: 0, lookup: pinnedTo(ip), ...tls }, signal);
    client = new Client(originOf(info), { headersTimeout: 0, bodyTimeout: 0, connect: line.connect });
    client.on('connect', () => {
      connected = true;
    });
    throwIfOver(signal);
    const sent = { accept: 'application/json', 'odata-version': '4.0', ...headers };
    const content = body === undefined ? {} : { 'content-type': 'application/json' };
    const reply = await client.request({
      method,
      path,
      headers: { ...sent, ...content },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
    const text = await readBody(reply.body, REPLY_LIMIT);
    // BMCs drop connections that are kept.
    await line.end(clock);
    const header = (name: string): string | undefined => [reply.headers[name]].flat()[0];
    return { status: reply.statusCode, header, text };
  } catch (error) {
    throw connected ? afterSending(error, info, order) : beforeSending(error, info);
  } finally {
    await client?.destroy().catch(() => {});
  }
}

type Row = readonly [pattern: RegExp, code: ErrorCode, sentence: string];

/** What the system or TLS says while a connection is made; nothing was sent. The first row that fits; `$` is the code. */
const CONNECTING: readonly Row[] = [
  [/^ECONNREFUSED/, 'BMC_PORT_CLOSED', 'cannot be reached: its port is closed; check the port in redfish_address'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EINVAL)/, 'BMC_NO_ROUTE', 'cannot be reached ($); check the routes to it'],
  [
    /too weak|KEY_TOO_SMALL|MD_TOO_WEAK|DH_KEY/i,
    'BMC_CERTIFICATE_REFUSED',
    'has a key that is too weak for TLS ($); give it a better one, or set redfish_tls_ciphers to DEFAULT@SECLEVEL=0 and, if ' +
      'that is not enough, redfish_verify_ca to false',
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    'BMC_PROTOCOL_VIOLATION',
    'speaks an older TLS only ($); set redfish_tls_minimum_version to 1.0 and redfish_tls_ciphers to DEFAULT@SECLEVEL=0',
  ],
  [
    /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|NO_CIPHER/,
    'BMC_CIPHER_REFUSED',
    'has no TLS cipher in common with us ($); name one that it knows in redfish_tls_ciphers',
  ],
  [
    /CERT|ISSUER|SIGNATURE|HOSTNAME|CHAIN/,
    'BMC_CERTIFICATE_REFUSED',
    'shows a certificate that is not accepted ($); give it a good one, or name its authority, or the certificate itself, in ' +
      'redfish_verify_ca',
  ],
  [
    /SSL|EPROTO|TLS/,
    'BMC_PROTOCOL_VIOLATION',
    'does not speak TLS as we do ($); check redfish_address and the redfish_tls_ keys',
  ],
];

function beforeSending(error: unknown, info: RedfishInfo): CountermandError {
  const who = `the BMC ${bmcName(info)}`;
  if (error instanceof CountermandError)
    return error.code === 'TOOK_TOO_LONG'
      ? fail('BMC_SILENT', `${who} is silent: no connection; nothing was sent to it`, error)
      : error;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (code === 'ERR_SSL_NO_CIPHER_MATCH' || code === 'ERR_INVALID_ARG_VALUE')
    return fail('DRIVER_INFO_INVALID', `driver_info.redfish_tls_ciphers: OpenSSL knows none of them (${code})`, error);
  // The code alone does not tell: OpenSSL says UNSPECIFIED to a weak key.
  const row = CONNECTING.find(([pattern]) => pattern.test(`${code} ${message}`));
  if (row) return fail(row[1], `${who} ${row[2].replace('$', () => code)}; nothing was sent to it`, error);
  return fail(
    'BMC_PROTOCOL_VIOLATION',
    `${who} cuts the connection off before anything was sent to it (${code})`,
    error,
  );
}

function afterSending(error: unknown, info: RedfishInfo, order: boolean): CountermandError {
  const who = `the BMC ${bmcName(info)}`;
  const done = order ? DOUBT : '';
  if (error instanceof TooLong)
    return fail('BMC_GARBLED', `${who} answers with more than ${REPLY_LIMIT} bytes${done}`, error);
  if (error instanceof CountermandError) {
    if (error.code !== 'TOOK_TOO_LONG') return error;
    return order
      ? fail('NO_ANSWER', `${who} did not answer the order in time${done}`, error)
      : fail('BMC_SILENT', `${who} took the question and does not answer`, error);
  }
  const { code = '' } = error as NodeJS.ErrnoException;
  if (/^(HPE|UND_ERR_HEADERS)/.test(code))
    return fail('BMC_GARBLED', `${who} answers with something that is no HTTP (${code})${done}`, error);
  const cut = `${who} cut the connection off before the answer was complete (${code})${done}`;
  return fail(order ? 'NO_ANSWER' : 'BMC_GARBLED', cut, error);
}

/** How requests get to a compute service. */
import { rootCertificates } from 'node:tls';

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; null for none. */
  readonly body: string | null;
}

/** One answer. The names of headers are in small letters. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * Sends a request once and resolves with the answer.
 * @throws NotReached if nothing was sent, another error if that is not known; and the reason of the signal
 */
export type Transport = (request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** The service was not reached: nothing was sent to it. */
export class NotReached extends Error {}

/** An answer has more bytes than any good one. */
export class TooLarge extends Error {}

/** Errors of a connection that was never there. */
const UNCONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const isOfTls = (code: string): boolean => /CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO/.test(code);

/** More than the instances of the fullest host. */
const ANSWER_LIMIT_BYTES = 16 * 2 ** 20;

/**
 * A transport over sockets. Each request has a connection of its own: one that was kept could be closed by the other side as an order
 * is sent over it, and it would not be known whether the order arrived. No redirection is followed.
 * @param ca authorities in PEM that may vouch for the service, besides those that Node.js knows; null for none
 */
export function openTransport(ca: string | null): Transport {
  let sending: Promise<typeof import('./http_client.ts')> | null = null;
  return async ({ method, url, headers, body }, signal) => {
    sending ??= import('./http_client.ts');
    const { Agent, request } = await sending;
    const connect = ca === null ? {} : { ca: [...rootCertificates, ca] };
    const dispatcher = new Agent({ pipelining: 0, headersTimeout: 0, bodyTimeout: 0, connect });
    try {
      const answer = await request(url, { method, headers: { ...headers }, body, dispatcher, signal });
      return { status: answer.statusCode, headers: flat(answer.headers), body: await readBody(answer.body) };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw asNotReached(thrown);
    } finally {
      void dispatcher.destroy().catch(() => {});
    }
  };
}

async function readBody(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > ANSWER_LIMIT_BYTES) throw new TooLarge(`its answer has more than ${ANSWER_LIMIT_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): HttpAnswer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value[0] : value]),
  );
}

function asNotReached(thrown: unknown): unknown {
  const { code = '', message } = thrown as { readonly code?: string; readonly message?: string };
  const isConnecting = UNCONNECTED.has(code) || isOfTls(code);
  return isConnecting ? new NotReached(message || code, { cause: thrown }) : thrown;
}

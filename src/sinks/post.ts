/** POST over HTTPS, for webhooks: one connection that is kept, no redirects, and no more of an answer than is needed. */
import { SINK_LIMITS } from '../core/limits.ts';
import { DeliveryFailure, type OutletParts } from '../core/outlets.ts';
import { allowedLookup, refuseAddress } from './receiver.ts';

/** What a receiver answered. Its body is not looked at. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** A way to one URL. */
interface Poster {
  /** @throws DeliveryFailure; the reason of the abort, at once */
  post(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens a way to a URL. `ca` is the PEM text of the authorities that may vouch for it; null: those of Node.js. */
export type OpenPoster = (url: URL, ca: string | null, parts: Pick<OutletParts, 'objection'>) => Poster;

/** More headers than this are no answer. */
const HEADER_LIMIT_BYTES = 16 * 1024;

type Client = InstanceType<typeof import('./http_client.ts').Client>;

/** The real one. */
export const overHttps: OpenPoster = (url, ca, { objection }) => {
  const isPlain = url.protocol === 'http:';
  let client: Client | null = null;
  const drop = async (): Promise<void> => {
    const dropped = client;
    client = null;
    await dropped?.destroy().catch(() => {});
  };
  return {
    async post(headers, body, signal) {
      refuseAddress(url.hostname.replace(/^\[|\]$/g, ''), isPlain, objection);
      try {
        client ??= await openClient(url, ca, allowedLookup(isPlain, objection));
        const answer = await client.request({
          ...{ method: 'POST', path: `${url.pathname}${url.search}`, headers: { ...headers }, body, signal },
        });
        const retryAfter = answer.headers['retry-after'];
        if (!(await isShort(answer.body))) await drop();
        return { status: answer.statusCode, retryAfter: typeof retryAfter === 'string' ? retryAfter : null };
      } catch (thrown) {
        await drop();
        signal.throwIfAborted();
        throw thrown instanceof DeliveryFailure ? thrown : new DeliveryFailure(reasonOf(thrown));
      }
    },
    close: drop,
  };
};

async function openClient(url: URL, ca: string | null, lookup: ReturnType<typeof allowedLookup>): Promise<Client> {
  const { Client } = await import('./http_client.ts');
  // The clock that was handed in ends what takes too long.
  const patient = { headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: HEADER_LIMIT_BYTES };
  return new Client(url.origin, { ...patient, connect: { timeout: 0, lookup, ...(ca !== null && { ca }) } });
}

/** Reads a body to its end, so that the connection can be used again; false if it is too long, or breaks off. The status stands. */
async function isShort(body: AsyncIterable<Buffer>): Promise<boolean> {
  let length = 0;
  try {
    for await (const part of body) {
      length += part.length;
      if (length > SINK_LIMITS.sink_answer_bytes.limit) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** What went wrong, in a few words: neither the URL nor anything that was sent. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return `no answer: ${code ?? message ?? 'the connection broke'}`.slice(0, 200);
}

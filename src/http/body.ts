/** Reading the body of a request: bounded in size and in time. */
import type { Clock } from '../core/clock.ts';
import { CountermandError, fail } from '../core/errors.ts';
import { doubledKey, hasLostKey, hasMoreParts, LOST_KEY } from '../core/json_parts.ts';
import { exceeded, HTTP_LIMITS, SENT_LIMITS } from '../core/limits.ts';
import { openCancellation, untilAborted } from '../core/signals.ts';
import { Refusal } from './errors.ts';

/**
 * The bytes of a body.
 * @throws MESSAGE_TOO_LARGE, Refusal with 408 if they do not come within the limit, with 400 if they break off; the request is not
 *   read any further
 */
export async function readBody(request: Request, clock: Clock): Promise<Uint8Array> {
  if (Number(request.headers.get('content-length') ?? 0) > SENT_LIMITS.message_bytes.limit)
    throw exceeded(SENT_LIMITS.message_bytes, 'the body', request.headers.get('content-length') ?? '');
  if (request.body === null) return new Uint8Array();
  const { limit } = HTTP_LIMITS.body_ms;
  const cancellation = openCancellation([], { clock, afterMs: limit, what: 'the body of the request' });
  const reader = request.body.getReader();
  try {
    return await untilAborted(readAll(reader), cancellation.signal);
  } catch (error) {
    reader.cancel().catch(() => {});
    if (!cancellation.signal.aborted) throw error;
    throw new Refusal(408, `the body did not come within ${limit / 1000} s; nothing was done`, { Connection: 'close' });
  } finally {
    cancellation.end();
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      // The client has left, which is no fault of ours, and it hears nothing.
      throw new Refusal(400, 'the body broke off; nothing was done');
    });
    if (done) return Buffer.concat(parts);
    size += value.length;
    if (size > SENT_LIMITS.message_bytes.limit) throw exceeded(SENT_LIMITS.message_bytes, 'the body', size);
    parts.push(value);
  }
}

/**
 * Refuses JSON that would become too many objects.
 * @throws MESSAGE_TOO_LARGE
 */
function refuseJsonParts(bytes: Uint8Array, place: string): void {
  const { limit } = HTTP_LIMITS.body_parts;
  if (hasMoreParts(bytes, limit)) throw exceeded(HTTP_LIMITS.body_parts, place, `more than ${limit}`);
}

/**
 * Refuses JSON of which one object has a key twice: which one counts is not guessed.
 * @throws ARGUMENT_INVALID
 */
function refuseDoubledKey(text: string, place: string): void {
  const key = doubledKey(text);
  if (key !== null)
    throw fail('ARGUMENT_INVALID', `${place}: an object has the key ${key.slice(0, 100)} twice; send it once`);
}

/**
 * A body as JSON, whatever its type is said to be: OpenStack's clients send JSON with a DELETE, and octets with nothing.
 * @returns undefined for an empty body
 * @throws MESSAGE_TOO_LARGE for too many parts, ARGUMENT_INVALID if it is not JSON; the sentence repeats nothing of the body, which may hold a secret
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  refuseJsonParts(bytes, 'the body');
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (hasLostKey(text)) throw fail('ARGUMENT_INVALID', `the body: ${LOST_KEY} cannot be a key`);
    const parsed = JSON.parse(text);
    refuseDoubledKey(text, 'the body');
    return parsed;
  } catch (error) {
    if (error instanceof CountermandError) throw error;
    const place = / at position \d+/.exec((error as Error).message)?.[0] ?? '';
    throw fail('ARGUMENT_INVALID', `the body is not valid JSON${place}`);
  }
}

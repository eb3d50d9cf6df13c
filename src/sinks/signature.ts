/** Signatures of webhooks, as Standard Webhooks 1.0 has them: https://github.com/standard-webhooks/standard-webhooks. */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const SHORTEST_BYTES = 24;
const LONGEST_BYTES = 64;

/** True for `whsec_` and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
  if (!/^whsec_[\w+/-]+={0,2}$/.test(text)) return false;
  const { length } = keyOf(text);
  return length >= SHORTEST_BYTES && length <= LONGEST_BYTES;
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(PREFIX.length), 'base64');

/**
 * The headers by which a receiver knows who sends, and that nothing was changed or is an old message.
 * @param id the same at each attempt
 * @param atMs when this attempt is made
 * @param secrets one signature is made with each
 */
export function signatureHeaders(
  id: string,
  atMs: number,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1000));
  const sign = (secret: string): string =>
    `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map(sign).join(' '),
  };
}

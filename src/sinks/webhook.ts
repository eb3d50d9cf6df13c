/** Webhooks: each event is a CloudEvent of its own, posted in order, signed, one at a time. */
import { CountermandError } from '../core/errors.ts';
import { DeliveryFailure, type Outlet, type Settings, type SinkKind, type ToldEvent } from '../core/outlets.ts';
import { openCancellation } from '../core/signals.ts';
import { CLOUD_EVENT, cloudEvent } from './cloud_event.ts';
import type { Answer, OpenPoster } from './post.ts';
import { refusePlaceOf } from './receiver.ts';
import { isWebhookSecret, signatureHeaders } from './signature.ts';

const TIMEOUT_S = 15;
const LONGEST_TIMEOUT_S = 60;
/** A receiver that asks for more is asked again after this. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

const SETTINGS = {
  webhook_url: {
    meaning: 'where events are posted. A URL that is a secret itself stands in a file',
    readsFiles: true,
    required: true,
    mustBe: 'an https URL, or an http URL, without user name, password and fragment',
    isGood: isWebhookUrl,
  },
  webhook_secret: {
    meaning: 'what signatures are made with, as Standard Webhooks has it',
    secret: true,
    required: true,
    mustBe: 'whsec_ and 24 to 64 bytes in base64',
    isGood: isWebhookSecret,
  },
  webhook_secret_previous: {
    meaning: 'a second signature is made with it, while receivers learn a new secret',
    secret: true,
    fallback: 'one signature',
    mustBe: 'whsec_ and 24 to 64 bytes in base64',
    isGood: isWebhookSecret,
  },
  webhook_ca: {
    meaning: 'PEM text of the authority that may vouch for the receiver; mostly file:NAME',
    readsFiles: true,
    fallback: 'those that Node.js knows',
    mustBe: 'certificates in PEM',
    isGood: (value: string) => value.includes('-----BEGIN CERTIFICATE-----'),
  },
  webhook_timeout: {
    meaning: 'how long one answer may take, in seconds',
    fallback: String(TIMEOUT_S),
    mustBe: `a whole number of seconds from 1 to ${LONGEST_TIMEOUT_S}`,
    isGood: (value: string) => /^[1-9]\d?$/.test(value) && Number(value) <= LONGEST_TIMEOUT_S,
  },
} as const satisfies SinkKind['settings'];

/** The kind of sinks that post through `openPoster`. */
export function webhookKind(openPoster: OpenPoster): SinkKind {
  return {
    name: 'webhook',
    meaning: 'posts each event as a signed CloudEvent',
    settings: SETTINGS,
    atOnce: 1,
    contradiction: () => null,
    refusePlace: ({ webhook_url: url = '' }, objection) => refusePlaceOf(url, objection),
    open(settings, parts) {
      const { databaseId, clock } = parts;
      const poster = openPoster(new URL(settings.webhook_url as string), settings.webhook_ca ?? null, parts);
      const timeoutMs = Number(settings.webhook_timeout ?? TIMEOUT_S) * 1000;
      const secrets = secretsOf(settings);
      const sendOne = async (event: ToldEvent, signal: AbortSignal): Promise<void> => {
        const body = cloudEvent(event, databaseId);
        const signed = signatureHeaders(event.messageId, clock.now(), body, secrets);
        const limit = openCancellation([signal], { clock, afterMs: timeoutMs, what: 'the answer of the webhook' });
        try {
          const headers = { 'content-type': CLOUD_EVENT, 'user-agent': 'countermand', ...signed };
          const failure = failureOf(await poster.post(headers, body, limit.signal), clock.now());
          if (failure !== null) throw failure;
        } catch (thrown) {
          signal.throwIfAborted();
          throw thrown instanceof CountermandError ? new DeliveryFailure(thrown.message) : thrown;
        } finally {
          limit.end();
        }
      };
      return {
        async send(events, signal) {
          for (const event of events) await sendOne(event, signal);
        },
        close: () => poster.close(),
      } satisfies Outlet;
    },
  };
}

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' && hash === '';
}

const secretsOf = ({ webhook_secret: secret, webhook_secret_previous: previous }: Settings): string[] =>
  [secret, previous].filter((each) => each !== undefined);

/** What an answer means; null: the event was taken over. */
export function failureOf({ status, retryAfter }: Answer, nowMs: number): DeliveryFailure | null {
  if (status >= 200 && status < 300) return null;
  if (status === 410) return new DeliveryFailure('the webhook answered 410: it is gone', { isGone: true });
  if (status >= 300 && status < 400)
    return new DeliveryFailure(`the webhook answered ${status}: redirects are not followed; name the place itself`);
  return new DeliveryFailure(`the webhook answered ${status}`, { retryAfterMs: readRetryAfter(retryAfter, nowMs) });
}

/** Seconds, or a time; null for what is neither. */
function readRetryAfter(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

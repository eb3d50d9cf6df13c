/** What a webhook is sent, and what its answers mean. */
import { createHmac } from 'node:crypto';
import test from 'ava';
import type { ToldEvent } from '../../src/core/outlets.ts';
import { cloudEvent } from '../../src/sinks/cloud_event.ts';
import { isWebhookSecret, signatureHeaders } from '../../src/sinks/signature.ts';
import { failureOf } from '../../src/sinks/webhook.ts';

const EVENT: ToldEvent = {
  sequence: 42,
  eventType: 'action_plan.cancel.start',
  priority: 'WARNING',
  publisherId: 'countermand-conductor.host7',
  messageId: '3b1f7f0e-6f0b-4d37-9d1a-2f3f1c3f0a11',
  timestamp: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  payload: { 'watcher_object.name': 'X', 'watcher_object.data': { uuid: 'aaaa', state: 'CANCELLING' } },
};

test('an event is a CloudEvent 1.0, and numbers are ordered as text', (t) => {
  t.deepEqual(JSON.parse(cloudEvent(EVENT, 'db1')), {
    specversion: '1.0',
    id: EVENT.messageId,
    source: '/countermand/db1',
    type: 'io.countermand.action_plan.cancel.start',
    time: '2026-01-02T03:04:05.678Z',
    subject: 'aaaa',
    sequence: '0000000000000042',
    priority: 'WARNING',
    publisher: 'countermand-conductor.host7',
    datacontenttype: 'application/json',
    data: EVENT.payload,
  });
  t.false('subject' in JSON.parse(cloudEvent({ ...EVENT, payload: { 'countermand_object.data': null } }, 'db1')));
  // Names of attributes are lower-case letters and digits.
  for (const name of Object.keys(JSON.parse(cloudEvent(EVENT, 'db1')))) t.regex(name, /^[a-z0-9]{1,20}$/);
});

test('a signature is that of Standard Webhooks, one for each secret', (t) => {
  // The example of the specification.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = signatureHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, '{"test": 2432232314}', [secret]);
  t.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
  const other = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  const both = signatureHeaders('a', 5000, 'b', [secret, other])['webhook-signature']?.split(' ');
  t.is(both?.length, 2);
  t.is(both?.[1], `v1,${createHmac('sha256', Buffer.alloc(24, 1)).update('a.5.b').digest('base64')}`);
});

test('a secret has 24 to 64 bytes', (t) => {
  const of = (length: number) => `whsec_${Buffer.alloc(length, 1).toString('base64')}`;
  for (const good of [of(24), of(64)]) t.true(isWebhookSecret(good));
  for (const bad of [of(23), of(65), '', 'whsec_', of(32).slice(6), `${of(32)} `]) t.false(isWebhookSecret(bad));
});

test('2xx takes an event over; all else does not, and says what to do', (t) => {
  const now = Date.UTC(2026, 0, 1);
  const of = (status: number, retryAfter: string | null = null) => failureOf({ status, retryAfter }, now);
  for (const status of [200, 202, 204]) t.is(of(status), null);
  for (const status of [100, 301, 307, 400, 401, 404, 408, 500, 503]) t.false(of(status)?.isGone);
  t.true(of(410)?.isGone);
  t.regex(of(308)?.message ?? '', /redirects are not followed/);
  t.is(of(503, '7')?.retryAfterMs, 7000);
  t.is(of(429, 'Thu, 01 Jan 2026 00:01:00 GMT')?.retryAfterMs, 60_000);
  t.is(of(429, 'Thu, 01 Jan 1970 00:01:00 GMT')?.retryAfterMs, 0);
  t.is(of(429, '999999999')?.retryAfterMs, 3_600_000);
  for (const bad of ['soon', '-1', '', null]) t.true([null, 0].includes(of(503, bad)?.retryAfterMs ?? null), `${bad}`);
});

/** Reading a body: how large it may be, how long it may take, and what is JSON. */
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { HTTP_LIMITS, SENT_LIMITS } from '../../src/core/limits.ts';
import { parseJson, readBody } from '../../src/http/body.ts';
import { Refusal } from '../../src/http/errors.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const LIMIT = SENT_LIMITS.message_bytes.limit;

/** A request whose body is what `stream` makes. */
const sending = (stream: ReadableStream<Uint8Array>, headers: Record<string, string> = {}): Request =>
  new Request('http://localhost/', { method: 'POST', body: stream, headers, duplex: 'half' });

/** A body of chunks, with how many of them were asked for, and whether it was given up. */
function chunks(sizes: Iterable<number>) {
  const iterator = sizes[Symbol.iterator]();
  const seen = { pulled: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = iterator.next();
        if (done) return controller.close();
        seen.pulled += 1;
        controller.enqueue(new Uint8Array(value));
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

function* forever(size: number): Generator<number> {
  for (;;) yield size;
}

test('a body of the largest size is read, and one byte more is refused', async (t) => {
  const clock = new VirtualClock();
  t.is((await readBody(sending(chunks([LIMIT - 1, 1]).stream), clock)).length, LIMIT);
  await t.throwsAsync(readBody(sending(chunks([LIMIT, 1]).stream), clock), {
    code: 'MESSAGE_TOO_LARGE',
    message: `the body: ${LIMIT + 1} bytes; at most ${LIMIT} are allowed`,
  } as never);
  t.is(clock.timers, 0);
});

test('a body without end is read no further than its limit', async (t) => {
  const { stream, seen } = chunks(forever(LIMIT / 4));
  await t.throwsAsync(readBody(sending(stream), new VirtualClock()), { code: 'MESSAGE_TOO_LARGE' } as never);
  t.deepEqual(seen, { pulled: 5, cancelled: true });
});

test('a length that is too large is refused before anything is read', async (t) => {
  const { stream, seen } = chunks(forever(1));
  const headers = { 'Content-Length': String(LIMIT + 1) };
  await t.throwsAsync(readBody(sending(stream, headers), new VirtualClock()), { code: 'MESSAGE_TOO_LARGE' } as never);
  t.is(seen.pulled, 0);
});

test('a body that does not come ends with 408 at its limit, not before', async (t) => {
  const clock = new VirtualClock();
  const seen = { cancelled: false };
  const silent = new ReadableStream<Uint8Array>({
    cancel() {
      seen.cancelled = true;
    },
  });
  let refused: unknown = null;
  const reading = readBody(sending(silent), clock).catch((error) => {
    refused = error;
  });
  await clock.turn(HTTP_LIMITS.body_ms.limit - 1);
  t.is(refused, null);
  await clock.turn(1);
  await reading;
  t.true(refused instanceof Refusal);
  t.like(refused, { status: 408, message: 'the body did not come within 30 s; nothing was done' });
  t.deepEqual(seen, { cancelled: true });
  t.is(clock.timers, 0);
});

test('what is JSON', (t) => {
  const parse = (text: string): unknown => parseJson(Buffer.from(text));
  t.is(parse(''), undefined);
  t.deepEqual(parse('{"target": "power on"}'), { target: 'power on' });
  for (const bad of ['target', '{', '{"a":1}x', ' '])
    t.regex(t.throws(() => parse(bad), { instanceOf: CountermandError }).message, /^the body is not valid JSON/, bad);
  for (const bad of ['{"ipmi_password": hunter2}', '{"ipmi_password": "hunter2"', 'hunter2'])
    t.notRegex(t.throws(() => parse(bad), { instanceOf: CountermandError }).message, /hunter2|password/, bad);
  t.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)), { message: /^the body is not valid JSON/ });
});

test('JSON of more parts than the limit is refused before it is parsed; what stands in a text is no part', (t) => {
  const { limit } = HTTP_LIMITS.body_parts;
  const list = (length: number, value: string): Buffer => Buffer.from(`[${`${value},`.repeat(length - 1)}${value}]`);
  t.is((parseJson(list(limit, '1')) as unknown[]).length, limit);
  const error = {
    code: 'MESSAGE_TOO_LARGE',
    message: `the body: more than ${limit} parts; at most ${limit} are allowed`,
  };
  t.throws(() => parseJson(list(limit + 1, '1')), error as never);
  // Not JSON at its end: a parser would have said so.
  t.throws(() => parseJson(Buffer.concat([list(limit / 2 + 1, '{}'), Buffer.from('x')])), error as never);
  const text = '{[,:'.repeat(limit);
  t.deepEqual(parseJson(Buffer.from(JSON.stringify({ [`"${text}\\`]: [text] }))), { [`"${text}\\`]: [text] });
});

test('the key that an object does not keep is refused, however it is written; as a text it is one', (t) => {
  for (const key of ['__proto__', '\\u005f_proto__', '__prot\\u006F__'])
    t.throws(
      () => parseJson(Buffer.from(`{"extra": {"${key}" : "x"}}`)),
      { message: 'the body: __proto__ cannot be a key' },
      key,
    );
  t.deepEqual(parseJson(Buffer.from('{"extra": ["__proto__", "__PROTO__:"], "__PROTO__": 1}')), {
    extra: ['__proto__', '__PROTO__:'],
    __PROTO__: 1,
  });
});

test('a key that one object has twice is refused, however it is written, and however long the texts are', (t) => {
  const refused = { message: 'the body: an object has the key target twice; send it once' };
  for (const text of [
    '{"target": "power on", "target": "power off"}',
    '{"target": {"target": "{\\"target\\": 1}"}, "x": [{"a": {}}], "t\\u0061rget"\n : 1}',
    `{"target": "${'\\n'.repeat(500_000)}", "target": 1}`,
  ])
    t.throws(() => parseJson(Buffer.from(text)), refused, text.slice(0, 100));
  const once = [{ a: 'a' }, { a: { a: '{"a":1,"a":1}' }, b: [{ a: 1 }, 'a'] }];
  t.deepEqual(parseJson(Buffer.from(JSON.stringify(once))), once);
});

test('a body that breaks off is the doing of its client, not a fault of ours', async (t) => {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('aborted')) });
  const refusal = await t.throwsAsync(readBody(sending(stream), new VirtualClock()), { instanceOf: Refusal });
  t.is(refusal.status, 400);
});

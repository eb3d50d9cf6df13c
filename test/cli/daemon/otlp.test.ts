/** What goes out to an OTLP receiver, and what happens when it is away: no work waits, and the log says it once. */
import test, { type ExecutionContext } from 'ava';
import { openOtlp } from '../../../src/cli/daemon/otlp.ts';
import { openTraces } from '../../../src/cli/daemon/traces.ts';
import { systemChance } from '../../../src/core/chance.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { KEPT_LIMITS } from '../../../src/core/limits.ts';
import type { EndedSpan } from '../../../src/core/tracing.ts';
import { openOtlpReceiver } from '../../counterparts/otlp_receiver.ts';
import { openCaptured } from '../captured.ts';

const SPAN: EndedSpan = {
  name: 's',
  kind: 'server',
  context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true, state: 'x=1' },
  parent: null,
  startedAt: 1_700_000_000_000.25,
  endedAt: 1_700_000_000_001,
  error: null,
  attributes: {},
};
/** How many spans go out at once, without waiting for more. */
const BATCH = 512;

/** A receiver, a way to it, and the log. */
async function openWay(t: ExecutionContext, ratio = 1) {
  const receiver = await openOtlpReceiver(t);
  const lines: (readonly [level: string, message: string, fields: object])[] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push([level, message, fields]);
  const log = { info: at('info'), warn: at('warn') };
  const { endpoint } = receiver;
  const parts = { endpoint, ratio, service: 'countermand', clock: systemClock, chance: systemChance, log };
  const traces = openOtlp(parts);
  const send = (count: number): void => {
    for (let sent = 0; sent < count; sent += 1) traces.take(SPAN);
  };
  return { receiver, lines, traces, send };
}

test('a span goes out with all that it says; a text that is too long is cut', async (t) => {
  const { receiver, traces, lines } = await openWay(t);
  const { limit } = KEPT_LIMITS.span_text;
  const other = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), sampled: true, state: '' };
  const attributes = { text: 'x'.repeat(limit + 1), count: 7, ratio: 0.5, is: true, none: null, absent: undefined };
  traces.take({ ...SPAN, parent: other, links: [other], error: 'BMC_SILENT', attributes });
  await traces.close();
  t.like(receiver.spans, { length: 1 });
  t.like(receiver.spans[0], {
    ...{ name: 's', kind: 2, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: 'd'.repeat(16) },
    ...{ traceState: 'x=1', status: 2, start: 1_700_000_000_000_250_000n, end: 1_700_000_000_001_000_000n },
    links: [`${'c'.repeat(32)} ${'d'.repeat(16)}`],
    attributes: { text: 'x'.repeat(limit), count: 7, ratio: 0.5, is: true, 'error.type': 'BMC_SILENT' },
    resource: { 'service.name': 'countermand' },
  });
  t.deepEqual(Object.keys(receiver.spans[0]?.attributes ?? {}).length, 5);
  t.deepEqual(lines, []);
});

test('a receiver that is away is told of once, and once when it is back; what had no room is lost', async (t) => {
  const { receiver, lines, traces, send } = await openWay(t);
  const answers = async (count: number, status: number): Promise<void> => {
    await receiver.answered.until(
      `${count} answers ${status}`,
      () => receiver.answered.seen.filter((each) => each === status).length >= count,
    );
  };
  receiver.status = 400;
  send(BATCH);
  await answers(1, 400);
  send(BATCH);
  await answers(2, 400);
  // No work waits: far more than there is room for is taken at once.
  send(100_000);
  receiver.status = 200;
  await answers(1, 200);
  await traces.close();
  t.deepEqual(
    lines.map(([level, message]) => [level, message]),
    [
      ['warn', 'traces cannot be exported; spans are lost until they can'],
      ['info', 'traces are exported again'],
    ],
  );
  t.deepEqual(lines[0]?.[2], { reason: '400' });
  t.true(receiver.spans.length <= 4096 + BATCH && receiver.spans.length > 0);
});

test('the same part of the traces is recorded by each process', async (t) => {
  const [none, half, all] = await Promise.all([0, 0.5, 1].map((ratio) => openWay(t, ratio)));
  const ids = ['0', '7', '8', 'f'].map((digit) => digit.repeat(32));
  const sampled = (way: typeof half) => ids.map((id) => way?.traces.samples(id));
  t.deepEqual(sampled(none), [false, false, false, false]);
  t.deepEqual(sampled(half), [true, true, false, false]);
  t.deepEqual(sampled(all), [true, true, true, true]);
});

test('without a receiver nothing is on', async (t) => {
  const { terminal } = openCaptured(false, {});
  const log = { info: () => t.fail(), warn: () => t.fail() };
  const none = { tracesEndpoint: null, tracesSampleRatio: 1 };
  const traces = await openTraces(none, 'countermand', terminal, log);
  t.false(traces.isOn);
  await traces.close();
});

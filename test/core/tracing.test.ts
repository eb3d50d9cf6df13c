/** Trace contexts: what is believed of a caller, how they are stored, and the ids that rows give their spans. */
import test from 'ava';
import { fail } from '../../src/core/errors.ts';
import { KEPT_LIMITS } from '../../src/core/limits.ts';
import { carryTrace, openCancellation, traceOf } from '../../src/core/signals.ts';
import {
  beginSpan,
  cancelSpanOf,
  type EndedSpan,
  inSpan,
  NO_TRACES,
  ownTraceOf,
  readTraceContext,
  spanOfRow,
  textOfTrace,
  traceOfText,
  traceparentOf,
} from '../../src/core/tracing.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const [A, B] = ['a'.repeat(32), 'b'.repeat(16)];
const UUID = '01234567-89ab-4def-8123-456789abcdef';

test('a context is believed as W3C writes it, of this and of later versions', (t) => {
  t.deepEqual(readTraceContext(`00-${A}-${B}-01`, 'x=1,y=2'), {
    ...{ traceId: A, spanId: B, sampled: true, state: 'x=1,y=2' },
  });
  t.is(readTraceContext(`00-${A}-${B}-00`)?.sampled, false);
  t.is(readTraceContext(`00-${A}-${B}-ff`)?.sampled, true);
  t.is(readTraceContext(`cc-${A}-${B}-01-what-comes-later`)?.traceId, A);
});

const NONE: readonly (string | null | undefined)[] = [
  ...[undefined, null, '', 'nonsense', `00-${A}-${B}`, `00-${A}-${B}-1`, ` 00-${A}-${B}-01`, `00-${A}-${B}-01-more`],
  ...[
    `ff-${A}-${B}-01`,
    `00-${'0'.repeat(32)}-${B}-01`,
    `00-${A}-${'0'.repeat(16)}-01`,
    `00-${'A'.repeat(32)}-${B}-01`,
  ],
  ...[`00-${A}-${B}-01, 00-${A}-${B}-01`, `cc-${A}-${B}-01-${'x'.repeat(300)}`, `00-${A}-${B}-01\n`],
];

test('a context that is none, or too long, is not believed', (t) => {
  for (const text of NONE) t.is(readTraceContext(text), null, String(text));
  const stateOf = (state: string): string | undefined => readTraceContext(`00-${A}-${B}-01`, state)?.state;
  const { limit } = KEPT_LIMITS.tracestate;
  t.is(stateOf(`k=${'v'.repeat(limit - 2)}`), `k=${'v'.repeat(limit - 2)}`);
  for (const state of [`k=${'v'.repeat(limit - 1)}`, 'k=\n', 'k=ä', Array(33).fill('k=v').join(',')])
    t.is(stateOf(state), '');
});

test('a context is stored as text, and found in it again', (t) => {
  for (const state of ['', 'x=1', 'x=1, y=2'])
    for (const sampled of [true, false]) {
      const context = { traceId: A, spanId: B, sampled, state };
      t.deepEqual(traceOfText(textOfTrace(context)), context);
    }
  t.is(traceOfText(null), null);
});

test('the span of a row has an id of its uuid, below whoever ordered it; a row of its own trace has no parent', (t) => {
  const row = { uuid: UUID, trace: `00-${A}-${B}-01 x=1` };
  t.deepEqual(spanOfRow(row), { traceId: A, spanId: '0123456789ab4def', sampled: true, state: 'x=1' });
  t.is(spanOfRow({ ...row, trace: null }), null);
  t.is(cancelSpanOf({ uuid: UUID, linkedTrace: row.trace })?.spanId, '8123456789abcdef');
  t.is(ownTraceOf(UUID, NO_TRACES), null);
  const own = ownTraceOf(UUID, { isOn: true, samples: () => true, take: () => {} });
  t.deepEqual(spanOfRow({ uuid: UUID, trace: own }), traceOfText(own));
});

/** What spans are made with, and all that were told. */
function recorder(samples = true) {
  const told: EndedSpan[] = [];
  const clock = new VirtualClock();
  const traces = { isOn: true, samples: () => samples, take: (span: EndedSpan) => void told.push(span) };
  return { parts: { traces, clock, chance: seededChance(1) }, told, clock };
}

test('a span that a caller does not record, or that is not sampled, is not told', (t) => {
  const { parts, told } = recorder(false);
  const words = { name: 's', kind: 'internal', attributes: {} } as const;
  t.is(beginSpan(parts, readTraceContext(`00-${A}-${B}-00`), words), null);
  t.is(beginSpan(parts, null, words), null);
  t.is(beginSpan({ ...parts, traces: NO_TRACES }, readTraceContext(`00-${A}-${B}-01`), words), null);
  t.deepEqual(told, []);
});

test('a failure is told by its code alone, and passed on', async (t) => {
  const { parts, told } = recorder();
  const context = readTraceContext(`00-${A}-${B}-01`);
  if (context === null) return t.fail();
  const words = { name: 's', kind: 'client', attributes: { 'server.port': 623 } } as const;
  const work = () => Promise.reject(fail('BMC_SILENT', 'the password is 7'));
  await t.throwsAsync(inSpan({ ...parts, context }, words, work), { message: 'the password is 7' });
  t.like(told, { length: 1, 0: { error: 'BMC_SILENT', parent: context, attributes: { 'server.port': 623 } } });
  t.false(JSON.stringify(told).includes('password'));
});

test('a signal carries the trace of its call to those that are made of it, and to no other', (t) => {
  const { parts } = recorder();
  const [call, other] = [openCancellation([]), openCancellation([])];
  const context = readTraceContext(traceparentOf({ traceId: A, spanId: B, sampled: true, state: '' }));
  if (context === null) return t.fail();
  carryTrace(call.signal, { ...parts, context });
  t.is(traceOf(openCancellation([openCancellation([other.signal, call.signal]).signal]).signal)?.context, context);
  t.is(traceOf(openCancellation([other.signal]).signal), undefined);
});

import test from 'ava';
import { eventLine } from '../../src/cli/event_line.ts';
import { Event } from '../../src/gen/countermand/v1/notification.ts';

const lineOf = (eventType: string, data: object): string =>
  eventLine(
    Event.fromPartial({ sequence: 7n, eventType, timestamp: new Date(0), payload: { 'ironic_object.data': data } }),
  );

test('a power task: the states that it left and reached', (t) => {
  const task = { target: 'soft power off', old_state: 'CONFIRMING', state: 'SUCCEEDED' };
  t.is(
    lineOf('baremetal.node.power_set.end', { name: 'n1', power_task: task }),
    `     7  1970-01-01T00:00:00.000Z  ${'baremetal.node.power_set.end'.padEnd(44)}  n1  soft power off: CONFIRMING -> SUCCEEDED`,
  );
});

test('an abort: its outcome', (t) => {
  const task = { target: 'abort soft power off', old_state: null, state: 'SUCCEEDED' };
  const line = lineOf('x', { name: 'n1', power_task: task, abort: { outcome: 'NOTHING_TO_ABORT' } });
  t.regex(line, / {2}n1 {2}abort soft power off: SUCCEEDED \(NOTHING_TO_ABORT\)$/);
});

test('a reading: from and to', (t) => {
  t.regex(
    lineOf('x', { name: 'n1', from_power: 'power on', power_state: 'power off' }),
    /n1 {2}power on -> power off$/,
  );
  t.regex(lineOf('x', { name: 'n1', from_power: null, power_state: 'power off' }), /n1 {2}unknown -> power off$/);
});

test('an event of another kind, or with a payload of another shape, is a line all the same', (t) => {
  for (const data of [{}, { name: 3, power_task: 'x' }, { power_task: { state: {} } }, { name: 'a\nb' }])
    t.regex(lineOf('x', data), /^ {5}7 {2}1970\S+ {2}x/);
  t.is(eventLine(Event.fromPartial({ sequence: 1n, eventType: 'x' })), '     1    x');
  t.notRegex(lineOf('x', { name: 'a\nb' }), /\n/);
});

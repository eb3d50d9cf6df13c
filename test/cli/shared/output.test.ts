import test from 'ava';
import fc from 'fast-check';
import { harmless, oneLine } from '../../../src/cli/shared/harmless.ts';
import { openOutput } from '../../../src/cli/shared/output.ts';
import { facts, table } from '../../../src/cli/shared/table.ts';
import { PowerTask } from '../../../src/gen/countermand/v1/power.ts';
import { openCaptured } from '../captured.ts';

test('a table has no borders, and columns as wide as their widest cell', (t) => {
  const printed = table(
    ['NAME', 'POWER'],
    [
      ['n1', 'power on'],
      ['r7node16', ''],
      ['日本', 'x'],
    ],
  );
  t.is(printed, ['NAME       POWER', 'n1         power on', 'r7node16', '日本       x'].join('\n'));
});

test('ten thousand rows are no trouble', (t) => {
  const rows = Array.from({ length: 10_000 }, (_, index) => [`r7n${index}`, 'power on', 'default']);
  t.is(table(['NAME', 'POWER', 'ZONE'], rows).split('\n').length, 10_001);
});

test('facts leave out what is empty', (t) => {
  t.is(
    facts([
      ['name', 'n1'],
      ['target', ''],
      ['power state', 'power on'],
    ]),
    'name          n1\npower state   power on',
  );
});

test('whatever stands in a cell, a row is one line without control characters', (t) => {
  const controls = [...'\u0000\u0007\b\t\r\n\u001b[31m\u007f\u009b\u2028\u202e'];
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom(...controls), fc.string({ unit: 'grapheme', maxLength: 1 })),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (rows) => {
      const printed = table(['A', 'B'], rows);
      t.is(printed.split('\n').length, rows.length + 1);
      t.notRegex(printed, /[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test('words of a BMC cannot steer a terminal', (t) => {
  t.is(harmless('\u001b]0;owned\u0007\u001b[2J'), '\ufffd]0;owned\ufffd\ufffd[2J');
  t.is(oneLine(' a \n b\r\n'), 'a b');
});

test('for people: text, and no JSON', (t) => {
  const captured = openCaptured();
  const output = openOutput(false, captured.terminal.stdout);
  output.message(PowerTask, PowerTask.fromPartial({ uuid: 'u' }), ({ uuid }) => `task ${uuid}`);
  output.messages(PowerTask, [], () => 'no power tasks');
  output.say('done');
  t.is(captured.stdout(), 'task u\nno power tasks\ndone\n');
});

test('for programs: one JSON object per line, and nothing else', (t) => {
  const captured = openCaptured(true);
  const output = openOutput(true, captured.terminal.stdout);
  output.message(PowerTask, PowerTask.fromPartial({ uuid: 'u' }), () => 'a sentence');
  output.messages(PowerTask, [PowerTask.fromPartial({ uuid: 'v' }), PowerTask.fromPartial({})], () => 'a table');
  output.say('a hint');
  const lines = captured.stdout().trimEnd().split('\n');
  const objects = lines.map((line) => JSON.parse(line));
  t.deepEqual(
    objects.map(({ uuid }) => uuid),
    ['u', 'v', ''],
  );
  for (const object of objects) t.like(object, { state: 'UNSPECIFIED', timeout: 0, possible: [] });
  t.false(output.live);
});

test('a line is written over only on a terminal that has a size', (t) => {
  t.true(openOutput(false, openCaptured(true).terminal.stdout).live);
  t.false(openOutput(false, openCaptured(false).terminal.stdout).live);
  const sizeless = Object.assign(openCaptured(true).terminal.stdout, { rows: 0 });
  t.false(openOutput(false, sizeless).live);
});

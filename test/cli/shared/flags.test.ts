import test from 'ava';
import fc from 'fast-check';
import { isAddress } from '../../../src/cli/shared/address.ts';
import { readCount, readPairs, readSeconds, readSequence } from '../../../src/cli/shared/flags.ts';
import { readTarget } from '../../../src/cli/shared/targets.ts';
import { CountermandError } from '../../../src/core/errors.ts';

const refused = test.macro({
  exec: (t, read: () => unknown, says: RegExp) => {
    const error = t.throws(read, { instanceOf: CountermandError });
    t.is(error.code, 'ARGUMENT_INVALID');
    t.regex(error.message, says);
  },
  title: (title) => `refused: ${title}`,
});

test('pairs: a value may hold =, and may be empty', (t) => {
  t.deepEqual(readPairs(['a=1', 'b=x=y', 'c='], '--info'), { a: '1', b: 'x=y', c: '' });
  t.deepEqual(readPairs(undefined, '--info'), {});
});
test('pairs: a key is any text', (t) => {
  t.deepEqual(Object.entries(readPairs(['__PROTO__=1', 'constructor=2'], '--label')), [
    ['__PROTO__', '1'],
    ['constructor', '2'],
  ]);
});
test(
  'the key that objects lose',
  refused,
  () => readPairs(['__proto__=1'], '--label'),
  /--label: __proto__ cannot be a key/,
);
test('a pair without =', refused, () => readPairs(['a=1', 'n1'], '--info'), /--info: 'n1' is not KEY=VALUE/);
test('a pair without key', refused, () => readPairs(['=1'], '--info'), /not KEY=VALUE/);
test('a key given twice', refused, () => readPairs(['a=1', 'a=2'], '--label'), /--label: 'a' is given twice/);

test('seconds: whole, from 1', (t) => {
  t.is(readSeconds(undefined, '--timeout'), undefined);
  t.is(readSeconds('1', '--timeout'), 1);
  t.is(readSeconds('2147483647', '--timeout'), 2_147_483_647);
});
for (const word of [
  '0',
  '-1',
  '',
  '1.5',
  '1e3',
  'ten',
  '2147483648',
  '99999999999',
  '0m',
  'm',
  '5w',
  '3m1h',
  '9999999999d',
])
  test(
    `seconds '${word}'`,
    refused,
    () => readSeconds(word, '--timeout'),
    /--timeout: .* is not a time; give seconds, or units as in 90s/,
  );

test('times have units', (t) => {
  for (const [word, seconds] of Object.entries({ '90s': 90, '5m': 300, '2h': 7200, '1h30m': 5400, '1d': 86_400 }))
    t.is(readSeconds(word, '--timeout'), seconds, word);
});

test('sequences are of any size', (t) => {
  t.is(readSequence('0', '--from'), 0n);
  t.is(readSequence('123456789012345678', '--from'), 123_456_789_012_345_678n);
});
for (const word of ['-1', '', 'x', '1.0'])
  test(`sequence '${word}'`, refused, () => readSequence(word, '--from'), /--from: .* not the number of an event/);

test('counts', (t) => {
  t.is(readCount(undefined, 1, '--max-parallel'), undefined);
  t.is(readCount('8', 1, '--max-parallel'), 8);
  t.is(readCount('0', 0, '--canary'), 0);
});
for (const word of ['', '0', '-1', '1.5', '1e3', '2147483648', 'eight'])
  test(`the count '${word}'`, refused, () => readCount(word, 1, '--max-parallel'), /--max-parallel: '.*from 1 to/);

test('addresses', (t) => {
  for (const good of ['127.0.0.1:7077', 'host7:1', 'a.b-c_d:65535', '[::1]:7077']) t.true(isAddress(good), good);
  for (const bad of [
    '',
    'host',
    'host:',
    ':7077',
    'host:0',
    'host:65536',
    '::1:7077',
    'http://host:1',
    'a b:1',
    'h:-1',
  ])
    t.false(isAddress(bad), bad);
  t.true(isAddress('127.0.0.1:0', true));
});

test('words that every object of JavaScript has are no targets', (t) => {
  for (const word of ['constructor', '_ proto _', '__proto__', 'valueof', 'hasOwnProperty', 'toString'])
    t.is(t.throws(() => readTarget(word, []), { instanceOf: CountermandError }, word).code, 'ARGUMENT_INVALID', word);
});

test('whatever is typed, flags give a value or ARGUMENT_INVALID', (t) => {
  const readers: ((word: string) => unknown)[] = [
    (word) => readPairs([word], '--info'),
    (word) => readSeconds(word, '--timeout'),
    (word) => readSequence(word, '--from'),
    (word) => readTarget(word, []),
    (word) => readCount(word, 1, '--max-parallel'),
  ];
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...readers), (word, read) => {
      try {
        return read(word) !== undefined;
      } catch (error) {
        return error instanceof CountermandError && error.code === 'ARGUMENT_INVALID';
      }
    }),
  );
  t.pass();
});

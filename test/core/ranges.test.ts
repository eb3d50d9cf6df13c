import test from 'ava';
import fc from 'fast-check';
import { CountermandError } from '../../src/core/errors.ts';
import { SENT_LIMITS } from '../../src/core/limits.ts';
import { eachName, expandInPortions, expandRange, expandRanges, sizeOfRange } from '../../src/core/ranges.ts';

const expands = test.macro({
  exec: (t, range: string, names: string[]) => t.deepEqual(expandRange(range), names),
  title: (_, range) => `'${range}' expands`,
});
test(expands, 'alpha', ['alpha']);
test(expands, 'r7n[1-3]', ['r7n1', 'r7n2', 'r7n3']);
test(expands, 'n[08-11]', ['n08', 'n09', 'n10', 'n11']);
test(expands, 'r[1-2]n[1,3]', ['r1n1', 'r1n3', 'r2n1', 'r2n3']);
test(expands, 'a,b[1-2],c', ['a', 'b1', 'b2', 'c']);
test(expands, 'n[1-2]-bmc', ['n1-bmc', 'n2-bmc']);
test(expands, 'a,a', ['a']);
test(expands, 'n[1][2-3][04]x', ['n1204x', 'n1304x']);
test(expands, 'n[9-10,100]', ['n9', 'n10', 'n100']);

const refused = test.macro({
  exec: (t, range: string, says: RegExp) => {
    const error = t.throws(() => expandRange(range), { instanceOf: CountermandError });
    t.is(error.code, 'ARGUMENT_INVALID');
    t.regex(error.message, says);
  },
  title: (_, range: string) => `'${range.slice(0, 40)}', ${range.length} characters, is refused`,
});
test(refused, '', /empty name/);
test(refused, 'a,,b', /empty name/);
test(refused, 'n[3-1]', /runs backwards/);
test(refused, 'n[a-b]', /not a list of numbers/);
test(refused, 'n[]', /not a list of numbers/);
test(refused, 'n[1-3', /bracket/);
test(refused, 'n1-3]', /bracket/);
test(refused, 'n[1-999999999]', /more than/);
test(refused, 'n[1-1000][1-1000]', /more than/);
test(refused, 'n[1-90000,1-90000]', /more than/);
test(refused, 'a[1-90000],b[1-90000]', /more than/);
test(refused, `n[1-100000]${'[1]'.repeat(240)}`, /more than 8000000 characters together/);
test(refused, `${'n'.repeat(250)}[1-100000]`, /longer than 255/);
test(refused, `${'n'.repeat(249)}[1-100000]`, /more than 8000000 characters together/);

test('a range of n numbers has n different names that all begin as written', (t) => {
  fc.assert(
    fc.property(fc.nat(5000), fc.nat(300), (first, more) => {
      const names = expandRange(`node[${first}-${first + more}]`);
      return names.length === more + 1 && new Set(names).size === names.length && names[0] === `node${first}`;
    }),
  );
  t.pass();
});

test('a range as long as a message can be is answered soon', (t) => {
  for (const range of ['x', 'a,', 'n[1]', '[', 'n[1-9]', 'a,b[1-2],'].map((part) =>
    part.repeat(1_000_000 / part.length),
  ))
    t.throws(() => expandRange(range), { code: 'ARGUMENT_INVALID' }, range.slice(0, 10));
});

test('whatever is typed, the answer is names or ARGUMENT_INVALID', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab[]-,0129') }), (typed) => {
      try {
        return expandRange(typed).every((name) => name !== '');
      } catch (error) {
        return error instanceof CountermandError && error.code === 'ARGUMENT_INVALID';
      }
    }),
  );
  t.pass();
});

test('groups of one number, and lists that name the same, cost no more than what they mean', (t) => {
  t.deepEqual(sizeOfRange(`n[1-3]${'[1]'.repeat(200)}`), { names: 3, characters: 3 * 202 });
  t.deepEqual(sizeOfRange('a,n[7-12]'), { names: 7, characters: 1 + 6 * 3 });
});

test('a name is made when it is asked for', (t) => {
  const asked = eachName('n[1-100000]');
  let pads = 0;
  const pad = String.prototype.padStart;
  String.prototype.padStart = function count(this: string, ...given: [number, string]): string {
    pads += 1;
    return pad.apply(this, given);
  };
  try {
    t.is(asked.next().value, 'n1');
  } finally {
    String.prototype.padStart = pad;
  }
  t.true(pads < 10, `${pads} numbers were written`);
});

test('ranges that mean too much together are refused, with the place', (t) => {
  const long = `${'n'.repeat(200)}[1-30000]`;
  t.notThrows(() => expandRanges([long]));
  t.throws(() => expandRanges([long, long], 'there'), {
    code: 'ARGUMENT_INVALID',
    message: `there: ${2 * 30_000 * 205} characters; at most ${SENT_LIMITS.named_characters.limit} are allowed`,
  } as never);
});

test('as many names as a request may have, one by one', (t) => {
  t.deepEqual(expandRanges([Array.from({ length: 100_000 }, () => 'n').join(',')]), ['n']);
  t.throws(() => expandRanges(['n[1-90000]', 'm[1-90000]', 'o[1-90000]']), {
    message: /^nodes: 270000 names; at most/,
  });
});

test('others are served while many names are made, and an abort ends it', async (t) => {
  let turns = 0;
  let isCounting = true;
  const count = (): void => {
    turns += 1;
    if (isCounting) setImmediate(count);
  };
  setImmediate(count);
  t.is((await expandInPortions(['n[1-50000]', 'm[1-50000]'], 'nodes')).length, 100_000);
  t.true(turns >= 9, `${turns} turns`);
  const controller = new AbortController();
  turns = 0;
  const gone = expandInPortions(['n[1-100000]'], 'nodes', controller.signal);
  controller.abort(new CountermandError('CALL_ENDED', 'gone'));
  await t.throwsAsync(gone, { code: 'CALL_ENDED' } as never);
  isCounting = false;
  t.true(turns < 4, `${turns} turns`);
});

import test from 'ava';
import fc from 'fast-check';
import { CountermandError } from '../../src/core/errors.ts';
import { expandRange } from '../../src/core/ranges.ts';

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

const refused = test.macro({
  exec: (t, range: string, says: RegExp) => {
    const error = t.throws(() => expandRange(range), { instanceOf: CountermandError });
    t.is(error.code, 'ARGUMENT_INVALID');
    t.regex(error.message, says);
  },
  title: (_, range) => `'${range}' is refused`,
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

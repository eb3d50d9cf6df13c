/** Names as ranges, and the order in which people count. */
import test from 'ava';
import fc from 'fast-check';
import { foldNames, nodesInWords } from '../../src/core/folded_names.ts';
import { naturally } from '../../src/core/natural_order.ts';
import { expandRanges } from '../../src/core/ranges.ts';

const FOLDED: readonly (readonly [names: string, folded: string])[] = [
  ['n1 n2 n3', 'n[1-3]'],
  ['n3 n1 n2 n9 n7', 'n[1-3,7,9]'],
  ['n1', 'n1'],
  ['n08 n09 n10 n11', 'n[08-11]'],
  ['n8 n9 n10', 'n[8-10]'],
  ['n1 n01', 'n[01,1]'],
  ['r7n1 r7n2 r8n1', 'r7n[1-2] r8n1'],
  ['n1-a n2-a n1-b', 'n[1-2]-a n1-b'],
  ['alpha n1 alpha2', 'alpha alpha2 n1'],
  ['n12345678901234567890 n12345678901234567891', 'n12345678901234567890 n12345678901234567891'],
  ['', ''],
];

for (const [names, folded] of FOLDED)
  test(`'${names}' is '${folded}'`, (t) => {
    const list = (words: string): string[] => words.split(' ').filter((word) => word !== '');
    t.deepEqual(foldNames(list(names)), list(folded));
  });

const someNames = fc.array(fc.stringMatching(/^[a-c]{0,2}\d{1,3}([.-]\d{0,2}[x-y]?)?$/), {
  minLength: 1,
  maxLength: 40,
});

test('what is folded expands to the same names, whatever they are', (t) => {
  fc.assert(
    fc.property(someNames, (names) => {
      t.deepEqual(expandRanges(foldNames(names)).sort(), [...new Set(names)].sort());
    }),
  );
  t.pass();
});

test('numbers are compared by their value', (t) => {
  const sorted = ['4', 'a', 'a1', 'a01', 'a2', 'a10', 'r7n1', 'r7n10', 'r10n1', 'sim4', 'sim30'];
  t.deepEqual([...sorted].reverse().sort(naturally), ['4', 'a', 'a01', 'a1', 'a2', 'a10', ...sorted.slice(6)]);
  t.true(naturally(`n${'9'.repeat(30)}`, `n1${'0'.repeat(30)}`) < 0);
});

test('the order is one: of two different names one is first, and it is transitive', (t) => {
  fc.assert(
    fc.property(someNames, (names) => {
      const once = [...names].sort(naturally);
      t.deepEqual([...once].reverse().sort(naturally), once);
      for (const name of names) t.is(naturally(name, name), 0);
    }),
  );
  t.pass();
});

const numbered = (before: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${before}${at + 1}`);

for (const [names, of, words] of [
  [numbered('r1n', 25), 25, 'r1n[1-25]'],
  [['db1', ...numbered('r7n', 16)], 22, 'db1, r7n[1-16] and 5 more'],
  [['n1', 'n2'], 2, 'n1, n2'],
  [['db1', 'web1', 'web2'], 3, 'db1, web1, web2'],
  [['alpha', 'beta'], 9, 'alpha, beta and 7 more'],
  [[], 0, ''],
  [numbered('a', 25).map((name) => `${name}x${name}`), 30, /^a1xa1, .*, a20xa20 and 10 more$/],
] as const)
  test(`in a sentence: ${names.length} of ${of}, ${words}`, (t) => {
    const told = nodesInWords(names, of);
    if (typeof words === 'string') t.is(told, words);
    else t.regex(told, words);
  });

/** Globs: what they match, and what they cost. */
import test from 'ava';
import { matchesAny } from '../../src/core/globs.ts';

const matches = test.macro({
  exec: (t, glob: string, text: string, does: boolean) => t.is(matchesAny(text, [glob]), does),
  title: (_, glob, text) => `${glob} and ${text}`,
});
test(matches, 'a.b', 'a.b', true);
test(matches, 'a.b', 'a.bc', false);
test(matches, 'a.*', 'a.b.c', true);
test(matches, '*.c', 'a.b.c', true);
test(matches, 'a*a', 'a', false);
test(matches, 'a**c', 'a.b.c', true);
test(matches, '*b*', 'a.b.c', true);
test(matches, '*x*', 'a.b.c', false);
test(matches, '***', '', true);

test('a glob costs no more steps than the text has characters', (t) => {
  const text = 'action_plan.action.update.longer.than.most';
  const find = String.prototype.indexOf;
  let steps = 0;
  String.prototype.indexOf = function count(this: string, ...given: [string, number?]): number {
    steps += 1;
    return find.apply(this, given);
  };
  try {
    t.true(matchesAny(text, ['*'.repeat(1000)]));
    t.false(matchesAny(text, ['*a'.repeat(500)]));
  } finally {
    String.prototype.indexOf = find;
  }
  t.true(steps <= text.length, `${steps} steps`);
});

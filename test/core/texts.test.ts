/** A text that is cut stays a text. */
import test from 'ava';
import { cutText } from '../../src/core/texts.ts';

for (const [text, limit, cut] of [
  ['', 0, ''],
  ['abc', 3, 'abc'],
  ['abc', 2, 'ab'],
  ['a\u{1f600}', 3, 'a\u{1f600}'],
  ['a\u{1f600}b', 3, 'a\u{1f600}'],
  ['a\u{1f600}b', 2, 'a'],
  ['\u{1f600}\u{1f600}', 3, '\u{1f600}'],
] as const)
  test(`${JSON.stringify(text)}, at most ${limit}`, (t) => t.is(cutText(text, limit), cut));

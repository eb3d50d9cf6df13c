/** The defects that `npm run defects` plants still fit the sources. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DEFECTS } from './defects.ts';

test('each defect changes what stands in its source once', (t) => {
  for (const [name, edits] of Object.entries(DEFECTS))
    for (const { file, from } of edits) {
      const text = readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');
      t.is(text.split(from).length - 1, 1, `${name}: ${file} has: ${from}`);
    }
});

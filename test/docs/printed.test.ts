/** The printed documents say what their tables say. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { PRINTED } from '../../scripts/print_docs.ts';

for (const [path, print] of Object.entries(PRINTED)) {
  test(`${path} is as its tables are; if not, 'npm run docs' mends it`, async (t) => {
    t.is(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), await print());
  });
}

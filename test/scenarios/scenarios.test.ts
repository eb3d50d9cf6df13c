/**
 * Each file of this folder is one scenario. `UPDATE=1 npx ava test/scenarios` rewrites them: commit only what you understand.
 * What they look up is watched in the whole process, so this file is in no group.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import anyTest from 'ava';
import { watchLookups } from './looked_up.ts';
import { parseScenario, printScenario, runScenario } from './script.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const lookedUpTwice = watchLookups();
const folder = new URL('./', import.meta.url);

for (const name of readdirSync(folder).filter((file) => file.endsWith('.txt'))) {
  test(name.replace('.txt', '').replaceAll('_', ' '), async (t) => {
    const file = new URL(name, folder);
    const written = readFileSync(file, 'utf8');
    const played = printScenario(await runScenario(parseScenario(written)));
    if (process.env.UPDATE) writeFileSync(file, played);
    else t.is(played, written);
    t.pass();
  });
}

test('no write of any of them has looked a row up twice', (t) => {
  t.deepEqual(lookedUpTwice(), []);
});

/** The defects that `npm run defects:drivers` plants still fit the sources. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DRIVER_DEFECTS } from './defects.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

test('each defect of a driver changes what stands in its source once, and its test file is there', (t) => {
  for (const [name, { file, from, foundBy }] of Object.entries(DRIVER_DEFECTS)) {
    t.is(readFileSync(pathOf(file), 'utf8').split(from).length - 1, 1, `${name}: ${file} has: ${from}`);
    t.true(existsSync(pathOf(foundBy)), foundBy);
  }
});

/** Points in time, for people. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { utcTime } from '../../../src/cli/shared/times.ts';

const FILE = fileURLToPath(new URL('../../../src/cli/shared/times.ts', import.meta.url));

/** The local time of a moment, as a process of that time zone writes it. */
async function localIn(TZ: string, at: number): Promise<string> {
  const code = `import { localTime } from '${FILE}'; process.stdout.write(localTime(new Date(${at})));`;
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { env: { TZ } })).stdout;
}

test('in UTC; nothing for no time', (t) => {
  t.is(utcTime(new Date(1)), '1970-01-01T00:00:00.001Z');
  t.is(utcTime(undefined), '');
});

for (const [zone, at, text] of [
  ['UTC', 1, '1970-01-01T00:00:00.001+00:00'],
  ['Europe/Berlin', 1_785_000_000_000, '2026-07-25T19:20:00.000+02:00'],
  ['America/St_Johns', 0, '1969-12-31T20:30:00.000-03:30'],
] as const)
  test(`in the local time zone, with its offset: ${zone}`, async (t) => {
    const written = await localIn(zone, at);
    t.is(written, text);
    t.is(Date.parse(written), at);
  });

/** scripts/busy.ts keeps the machine busy for as long as its command runs, and not longer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { processesWith } from '../counterparts/processes.ts';
import { ROOT } from './sources.ts';

const BUSY = join(ROOT, 'scripts/busy.ts');
const LOAD = join(ROOT, 'scripts/busy_load.ts');

/** A command that runs until its input ends, then exits with 7. */
const WAITS = [process.execPath, '-e', "process.stdin.resume().once('end', () => process.exit(7))"];

function start(...words: string[]): ChildProcess {
  return spawn(process.execPath, [BUSY, ...words], { stdio: ['pipe', 'ignore', 'ignore'] });
}

/** The processes of load that busy.ts with this pid has started. */
const loadsOf = ({ pid }: ChildProcess, kind: string) => processesWith(LOAD, kind, String(pid));

async function untilLoaded(busy: ChildProcess, burn: number, fsync: number): Promise<void> {
  const counts = async () => [(await loadsOf(busy, 'burn')).length, (await loadsOf(busy, 'fsync')).length];
  await eventually('the load to run', async () => String(await counts()) === String([burn, fsync]));
}

async function untilUnloaded(busy: ChildProcess): Promise<void> {
  const left = async () => [...(await loadsOf(busy, 'burn')), ...(await loadsOf(busy, 'fsync'))];
  await eventually('the load to end', async () => (await left()).length === 0);
}

test('the load runs beside the command, ends with it, and its exit code is told', async (t) => {
  const busy = start('2', '--fsync', '--', ...WAITS);
  await untilLoaded(busy, 2, 1);
  busy.stdin?.end();
  t.deepEqual(await once(busy, 'exit'), [7, null]);
  await untilUnloaded(busy);
});

test('a command that is killed ends the load as well', async (t) => {
  const busy = start('1', '--', ...WAITS);
  await untilLoaded(busy, 1, 0);
  busy.kill('SIGTERM');
  t.deepEqual(await once(busy, 'exit'), [128 + 15, null]);
  await untilUnloaded(busy);
});

test('the load ends also when nobody is left to end it', async (t) => {
  const busy = start('1', '--', ...WAITS);
  await untilLoaded(busy, 1, 0);
  busy.kill('SIGKILL');
  t.deepEqual(await once(busy, 'exit'), [null, 'SIGKILL']);
  await untilUnloaded(busy);
});

for (const words of [[], ['8'], ['x', '--', 'true'], ['8', '--'], ['1', '2', '--', 'true']])
  test(`what is no command line for it: '${words.join(' ')}'`, async (t) => {
    t.deepEqual(await once(start(...words), 'exit'), [2, null]);
  });

test('a command that is not there', async (t) => {
  t.deepEqual(await once(start('0', '--', '/nonexistent/command'), 'exit'), [127, null]);
});

/** The count at the end of `npm test` sees whatever can go wrong. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type AvaStats, FIRST } from '../../scripts/counting_ava.ts';
import { isUsable } from '../../scripts/memory_folder.ts';
import { countAva, NOT_QUICK } from '../../scripts/test.ts';
import { USAGE_FILE } from '../../scripts/usage.ts';
import { ROOT } from './sources.ts';

const NOTHING: AvaStats = {
  passedTests: 0,
  passedKnownFailingTests: 0,
  failedTests: 0,
  failedHooks: 0,
  failedWorkers: 0,
  remainingTests: 0,
  timeouts: 0,
  internalErrors: 0,
  sharedWorkerErrors: 0,
  uncaughtExceptions: 0,
  unhandledRejections: 0,
  unexpectedProcessExits: 0,
};

test('tests that passed, and nothing else, is a success', (t) => {
  t.deepEqual(countAva({ ...NOTHING, passedTests: 3, passedKnownFailingTests: 1 }, true), { passed: 4, failed: 0 });
});

for (const key of Object.keys(NOTHING).filter((name) => !name.startsWith('passed'))) {
  test(`${key} count as failed`, (t) => {
    t.deepEqual(countAva({ ...NOTHING, passedTests: 1, [key]: 2 }, false), { passed: 1, failed: 2 });
  });
}

test('AVA that ends badly without a reason, or without numbers, counts as failed', (t) => {
  t.deepEqual(countAva({ ...NOTHING, passedTests: 1 }, false), { passed: 1, failed: 1 });
  t.deepEqual(countAva(null, true), { passed: 0, failed: 1 });
});

test('each file that the runner names is there', (t) => {
  for (const file of [...FIRST, ...NOT_QUICK]) t.true(existsSync(join(ROOT, file)), file);
});

const SAMPLES = {
  passes: "test('a', (t) => t.pass()); test('b', (t) => t.pass());",
  fails: "test('a', (t) => t.fail());",
  throws:
    "test('a', async () => { queueMicrotask(() => { throw new Error('late'); }); await new Promise(() => {}); });",
  dies: "test('a', async () => { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); });",
  exits: "test('a', () => process.exit(0));",
  garbled: 'this is no program',
};

/** Runs AVA with our counting over samples, in a folder of its own, and answers its numbers. */
function runSamples(samples: Readonly<Record<string, string>>, folder: string): Promise<AvaStats> {
  mkdirSync(join(folder, 'test'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, code] of Object.entries(samples))
    writeFileSync(join(folder, `test/${name}.test.ts`), `import test from 'ava';\n${code}\n`);
  const config = join(ROOT, 'scripts/counting_ava.ts');
  // The shell keeps file descriptor 3 apart: what AVA prints is not of interest here.
  const words = [
    '-c',
    'exec 3>&1 >/dev/null 2>&1; "$0" --config "$1"; true',
    join(ROOT, 'node_modules/.bin/ava'),
    config,
  ];
  // The samples must not appear among the slowest files of this run.
  const env = { ...process.env, [USAGE_FILE]: undefined };
  return new Promise((resolve, reject) => {
    execFile('sh', words, { cwd: folder, env }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
  });
}

test('a file system in memory is used if programs may run on it', (t) => {
  const line = (type: string, options: string): string => `none / ext4 rw 0 0\nnone /dev/shm ${type} ${options} 0 0\n`;
  t.true(isUsable(line('tmpfs', 'rw,relatime'), '/dev/shm'));
  t.false(isUsable(line('tmpfs', 'rw,noexec'), '/dev/shm'));
  t.false(isUsable(line('tmpfs', 'ro'), '/dev/shm'));
  t.false(isUsable(line('ext4', 'rw'), '/dev/shm'));
  t.false(isUsable(line('tmpfs', 'rw'), '/other'));
});

test('AVA ends nothing but hangs', (t) => {
  const { ava } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  t.is(ava.timeout, '10m');
});

test('a real run with every kind of failure is counted', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countermand-counting-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const stats = await runSamples(SAMPLES, folder);
  t.like(stats, { passedTests: 2, failedTests: 1, unexpectedProcessExits: 1 });
  // What is no program is told as an exception as well, unless its process is gone before it could say so.
  t.true(stats.uncaughtExceptions >= 1);
  t.true(stats.failedWorkers >= 2);
  t.is(countAva(stats, false).passed, 2);
});

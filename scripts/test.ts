/**
 * `npm test`: everything that must hold, all output shown. The last line says `N passed, N failed`: each check counts as
 * one, and AVA's tests count one by one. Whatever goes wrong on the way counts as failed: uncaught exceptions, timeouts,
 * processes that died. Before it stand the slowest files and what the run cost.
 * `npm run quick` is the part that needs no other programs and no waiting.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AvaStats } from './counting_ava.ts';
import { makeTemporary } from './memory_folder.ts';
import { processorMs, readUsages, slowestFiles, USAGE_FILE } from './usage.ts';

/** The result of a check. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
}

type Check = () => Count | Promise<Count>;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATH = `${ROOT}node_modules/.bin${delimiter}${process.env.PATH ?? ''}`;
/** What Node has compiled once, all test processes use. */
const NODE_COMPILE_CACHE = `${ROOT}node_modules/.cache/countermand-test`;
/** Programs in Go (tsc, esbuild, buf) collect garbage four times as seldom as they would: some need a third less time. */
const GOGC = '400';
const ENVIRONMENT = { ...process.env, PATH, NODE_COMPILE_CACHE, GOGC };
const OPTIONS = { cwd: ROOT, env: ENVIRONMENT } as const;

/** What `npm run quick` leaves out: what starts processes that serve or build, and conductors that die at every moment of a plan. */
export const NOT_QUICK: readonly string[] = [
  'test/tidy/busy.test.ts',
  'test/tidy/counting.test.ts',
  'test/cli/bin.test.ts',
];

/** What it tests: tidiness, tables, units and scenarios. */
const QUICK = [
  ...['tables', 'worlds', 'plans'].map((group) => `test/grouped/${group}.test.ts`),
  ...['tidy', 'docs', 'core', 'server', 'cli', 'agent', 'world', 'scenarios'].map((folder) => `test/${folder}/**`),
  ...NOT_QUICK.map((file) => `!${file}`),
];

function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs a command; it passed if it ended with 0. Its output is shown at its end, so that several can run side by side. */
function check(command: string, ...words: readonly string[]): Promise<Count> {
  return new Promise((resolve) => {
    execFile(command, words, { ...OPTIONS, maxBuffer: Number.POSITIVE_INFINITY }, (error, stdout, stderr) => {
      say([command, ...words].join(' '));
      process.stdout.write(`${stdout}${stderr}`);
      if (error !== null) say(`${command} failed: ${error.signal ?? `exit code ${error.code}`}`);
      resolve(error === null ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
    });
  });
}

/** The order of versions: v0.9.0 is before v0.10.0. */
export const byVersion = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

/** The contract of the newest release, as an image of buf: `proto/released/v0.2.0.binpb`. */
export function newestReleased(images = readdirSync(`${ROOT}proto/released`)): string {
  const newest = images.toSorted(byVersion).at(-1) ?? 'none';
  return `proto/released/${newest}`;
}

/** AVA's numbers as one count; `exitedWell` is its own opinion. */
export function countAva(stats: AvaStats | null, exitedWell: boolean): Count {
  if (stats === null) return { passed: 0, failed: 1 };
  const passed = stats.passedTests + stats.passedKnownFailingTests;
  const tests = stats.failedTests + stats.failedHooks + stats.remainingTests + stats.timeouts;
  const processes = stats.failedWorkers + stats.unexpectedProcessExits;
  const errors = stats.internalErrors + stats.sharedWorkerErrors + stats.uncaughtExceptions + stats.unhandledRejections;
  const failed = tests + processes + errors;
  return { passed, failed: failed === 0 && !exitedWell ? 1 : failed };
}

/** Runs the tests that match these patterns, or all of them, with their temporary files in `folder`. */
function runAva(patterns: readonly string[], usageFile: string, folder: string): Count {
  say('ava');
  const words = ['--config', 'scripts/counting_ava.ts', ...patterns];
  const env = { ...ENVIRONMENT, TMPDIR: folder, [USAGE_FILE]: usageFile };
  const { status, output } = spawnSync('ava', words, {
    cwd: ROOT,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  const written = output?.[3]?.toString() ?? '';
  return countAva(written === '' ? null : JSON.parse(written), status === 0);
}

/** The checks that need no test process. They run side by side. */
const LINTS: readonly Check[] = [
  // Two checkers check much twice: one takes a third less of the processors, which the checks beside it use.
  () => check('tsc', '--checkers', '1'),
  // The console runs in browsers, which have other globals.
  () => check('tsc', '-p', 'src/console'),
  () => check('biome', 'check'),
  () => check('buf', 'lint'),
  // The contract may grow, but not break what the last release said.
  () => check('buf', 'breaking', '--against', newestReleased()),
];

function sum(counts: readonly Count[]): Count {
  return counts.reduce((all, { passed, failed }) => ({ passed: all.passed + passed, failed: all.failed + failed }));
}

async function main(quick: boolean): Promise<Count> {
  const { folder, remove } = makeTemporary();
  // Whoever interrupts the run ends what it waits for, and then the folder goes.
  process.on('SIGINT', () => {});
  const usageFile = join(folder, 'usage');
  writeFileSync(usageFile, '');
  try {
    const installed = quick ? [] : [await check('./scripts/install-counterparts.sh')];
    // Builds the bundle if a source is newer: otherwise the first tests that start a process would, all at once.
    const built = await check('bin/countermand', '--version');
    const linted = await Promise.all(LINTS.map((run) => run()));
    const tested = runAva(quick ? QUICK : [], usageFile, folder);
    say('the slowest files: time, and processor time');
    process.stdout.write(`${slowestFiles(readUsages(usageFile), 10)}\n`);
    return sum([...installed, built, ...linted, tested]);
  } finally {
    remove();
  }
}

if (import.meta.main) {
  const { passed, failed } = await main(process.argv.includes('--quick'));
  say(`${(process.uptime()).toFixed(0)} s, ${(processorMs() / 1000).toFixed(0)} s of processor time`);
  process.exitCode = failed === 0 ? 0 : 1;
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
}

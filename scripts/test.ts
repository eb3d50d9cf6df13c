/**
 * `npm test`: everything that must hold, in order, all output shown. The last line says `N passed, N failed`: each check
 * counts as one, and AVA's tests count one by one. Whatever goes wrong on the way counts as failed: uncaught exceptions,
 * timeouts, processes that died.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AvaStats } from './counting_ava.ts';

/** What a check came to. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATH = `${ROOT}node_modules/.bin${delimiter}${process.env.PATH ?? ''}`;
/** What Node has compiled once, all test processes use. */
const NODE_COMPILE_CACHE = `${ROOT}node_modules/.cache/countermand-test`;
const OPTIONS = { cwd: ROOT, env: { ...process.env, PATH, NODE_COMPILE_CACHE } } as const;

function say(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

/** Runs a command; it passed if it ended with 0. */
function check(command: string, ...words: readonly string[]): Count {
  say([command, ...words].join(' '));
  const { status, signal, error } = spawnSync(command, words, { ...OPTIONS, stdio: 'inherit' });
  if (status === 0) return { passed: 1, failed: 0 };
  say(`${command} failed: ${error?.message ?? signal ?? `exit code ${status}`}`);
  return { passed: 0, failed: 1 };
}

function skip(name: string, because: string): Count {
  say(`${name}: skipped, ${because}`);
  return { passed: 0, failed: 0 };
}

function installCounterparts(): Count {
  const script = 'scripts/install-counterparts.sh';
  return existsSync(`${ROOT}${script}`) ? check(`./${script}`) : skip(script, 'it is not there');
}

/** The contract may grow, but not break what the last release said. */
function checkBreaking(): Count {
  const describe = ['describe', '--tags', '--abbrev=0', '--match', 'v[0-9]*'];
  const { status, stdout } = spawnSync('git', describe, { ...OPTIONS, encoding: 'utf8' });
  if (status !== 0) return skip('buf breaking', 'there is no release tag to compare with');
  return check('buf', 'breaking', '--against', `.git#tag=${stdout.trim()}`);
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

function runAva(): Count {
  say('ava');
  const words = ['--config', 'scripts/counting_ava.ts'];
  const { status, output } = spawnSync('ava', words, { ...OPTIONS, stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
  const written = output?.[3]?.toString() ?? '';
  return countAva(written === '' ? null : JSON.parse(written), status === 0);
}

/** The checks, in order. */
const CHECKS: readonly (() => Count)[] = [
  installCounterparts,
  () => check('biome', 'check'),
  () => check('tsc'),
  () => check('buf', 'lint'),
  checkBreaking,
  runAva,
];

if (import.meta.main) {
  const counts = CHECKS.map((run) => run());
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  process.exitCode = failed === 0 ? 0 : 1;
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
}

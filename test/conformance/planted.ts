/**
 * Do the tests of the drivers find what they are for? `npm run defects:drivers` plants each of `defects.ts` in a copy of the product,
 * runs the test file that must find it, and prints the first test that failed; `-- NAME ...` only the defects whose names contain one of
 * these. The exit code is 1 if one was not found, or if its test file fails without it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { copyWith } from '../simulation/copies.ts';
import { DRIVER_DEFECTS } from './defects.ts';

/** A file of which no test ends for this time waits for what will not happen. */
const STILL = '2m';

/**
 * The first test of a file that fails in a copy of the product; null if all pass. The run ends with it: what a defect leaves open may keep
 * the process of the tests alive.
 * @throws if the tests cannot be run there
 */
async function firstFailure(folder: string, testFile: string): Promise<string | null> {
  const words = ['node_modules/ava/entrypoints/cli.js', '--no-color', '--timeout', STILL, testFile];
  const ava = spawn(process.execPath, words, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(ava, 'exit');
  const said: string[] = [];
  for await (const line of createInterface(ava.stdout)) {
    said.push(line);
    const failed = /^ *✘ \[fail\]: (.*)$/.exec(line)?.[1] ?? (/timed out/i.test(line) ? 'a test does not end' : null);
    if (failed === null) continue;
    process.kill(-(ava.pid ?? 0), 'SIGKILL');
    await exited;
    return failed;
  }
  const [status] = await exited;
  if (status === 0) return null;
  throw new Error(`${testFile} cannot be run: ${said.join('\n')}`);
}

/** Runs a test file with these edits in the product. */
async function tryWith(edits: Parameters<typeof copyWith>[0], testFile: string): Promise<string | null> {
  const folder = await copyWith(edits);
  try {
    return await firstFailure(folder, testFile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const asked = process.argv.slice(2);
const chosen = Object.entries(DRIVER_DEFECTS).filter(
  ([name]) => asked.length === 0 || asked.some((words) => name.includes(words)),
);
for (const testFile of new Set(chosen.map(([, { foundBy }]) => foundBy))) {
  const failed = await tryWith([], testFile);
  if (failed === null) continue;
  process.exitCode = 1;
  console.log(`${testFile} fails without any defect: ${failed}`);
}
for (const [name, defect] of chosen) {
  const found = await tryWith([defect], defect.foundBy);
  if (found === null) process.exitCode = 1;
  console.log(`${name}: ${found ?? `not found by ${defect.foundBy}`}`);
}

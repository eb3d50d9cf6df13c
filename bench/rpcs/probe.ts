/** What a measurement cost the conductor: processor time of all its threads, and how long its event loop was held up. */
import { readdir, readFile } from 'node:fs/promises';
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';

/** What some work cost. */
export interface Cost {
  readonly cpuMs: number;
  readonly wallMs: number;
  /** The longest time for which the conductor served no one, in processor time of its main thread. */
  readonly longestHoldUpMs: number;
}

/** The probe writes a line ten times a second. */
const LINE_MS = 100;

/**
 * Measures a conductor while `work` runs.
 * @param pid of the conductor
 * @param holdUps the file that `scripts/loop_probe.mjs` writes
 */
export async function costOf(
  work: () => Promise<void>,
  pid: number,
  holdUps: string,
  signal: AbortSignal,
): Promise<Cost> {
  const linesBefore = (await linesOf(holdUps)).length;
  const cpuBefore = await cpuOf(pid);
  const startedAt = systemClock.monotonic();
  await work();
  const wallMs = systemClock.monotonic() - startedAt;
  const cpuMs = (await cpuOf(pid)) - cpuBefore;
  const linesAfter = (await linesOf(holdUps)).length;
  // The line that tells of the end of the work is written after it.
  while ((await linesOf(holdUps)).length <= linesAfter) await sleep(LINE_MS, systemClock, signal);
  const lines = (await linesOf(holdUps)).slice(linesBefore, linesAfter + 1);
  return { cpuMs, wallMs, longestHoldUpMs: Math.max(...lines.map(Number)) };
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text === '' ? [] : text.trim().split('\n');
}

/** The processor time of all threads of a process, in milliseconds. */
export async function cpuOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = threads.map(async (thread) => {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0');
    return Number(text.split(' ')[0]) / 1e6;
  });
  return (await Promise.all(times)).reduce((sum, each) => sum + each, 0);
}

/** The memory that a process has now, in MB. */
export async function memoryOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

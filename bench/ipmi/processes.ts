/** What running processes have used so far, as Linux counts it. */
import { readdir, readFile, writeFile } from 'node:fs/promises';

/** Milliseconds of processor, user and system, that these processes have used. To the nanosecond, unlike /proc/PID/stat. */
export async function cpuMsOf(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => {
    const threads = await readdir(`/proc/${pid}/task`);
    const texts = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'));
    return sum((await Promise.all(texts)).map((text) => Number(text.split(' ', 1)[0]) / 1e6));
  });
  return sum(await Promise.all(each));
}

/** The most memory in MB that each of these processes has had so far, added up. */
export async function peakMemoryMbOf(pids: readonly number[]): Promise<number> {
  const each = pids.map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  });
  return sum(await Promise.all(each));
}

/** From now on, `peakMemoryMbOf` answers for this process what it has from now on. */
export const forgetPeakMemory = (pid: number): Promise<void> => writeFile(`/proc/${pid}/clear_refs`, '5');

/** The process ids of the children of a process of one thread. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

const sum = (figures: readonly number[]): number => figures.reduce((total, figure) => total + figure, 0);

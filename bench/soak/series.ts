/** What a conductor held, as a series, and whether it stayed the same. */
import { readFile } from 'node:fs/promises';
import { grid, quantile } from '../figures.ts';

/** One line of the series. */
export interface Sample {
  readonly rssMb: number;
  /** The heap in use after a full collection. */
  readonly heapMb: number;
  /** The delay of the event loop: its 99th percentile, and its longest, in milliseconds. */
  readonly delayMs: number;
  readonly longestMs: number;
  /** Processors in use, all threads together. */
  readonly cpu: number;
  /** Open file descriptors. */
  readonly files: number;
}

/** The figures that must stay the same, and by how much the last third may be above the first. */
const FLAT = {
  rssMb: { name: 'resident memory', most: 1.15, slack: 0 },
  heapMb: { name: 'heap', most: 1.15, slack: 0 },
  // A few milliseconds more are the work of others on the same processors.
  delayMs: { name: 'event-loop delay', most: 1.5, slack: 10 },
  files: { name: 'file descriptors', most: 1.02, slack: 4 },
} as const satisfies Partial<Record<keyof Sample, unknown>>;

/** A part of the run in which caches fill and code is compiled. It is not compared. */
const WARM_UP = 0.25;

/** One verdict: how much larger the last third is than the first, as medians. */
export interface Verdict {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly isFlat: boolean;
}

/** The samples that a probe has written. A line that is being written is left out. */
export async function readSamples(file: string): Promise<Sample[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** Whether each figure stayed the same after the warm-up. Too few samples to tell give no verdict. */
export function verdictsOf(samples: readonly Sample[]): Verdict[] {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP));
  const third = Math.floor(warm.length / 3);
  if (third === 0) return [];
  return Object.entries(FLAT).map(([key, { name, most, slack }]) => {
    const median = (part: readonly Sample[]): number =>
      quantile(
        part.map((sample) => sample[key as keyof Sample]),
        0.5,
      );
    const [first, last] = [median(warm.slice(0, third)), median(warm.slice(-third))];
    return { name, first, last, isFlat: last <= first * most || last <= first + slack };
  });
}

/** The series as a table. @param lineMs how far the lines are apart */
export function seriesOf(samples: readonly Sample[], lineMs: number): string {
  const head = ['after', 'resident', 'heap', 'delay, p99', 'delay, longest', 'processors', 'file descriptors'];
  const lines = samples.map(({ rssMb, heapMb, delayMs, longestMs, cpu, files }, at) => [
    `${(((at + 1) * lineMs) / 1000).toFixed(0)} s`,
    `${rssMb.toFixed(0)} MB`,
    `${heapMb.toFixed(0)} MB`,
    `${delayMs.toFixed(1)} ms`,
    `${longestMs.toFixed(0)} ms`,
    cpu.toFixed(2),
    String(files),
  ]);
  return grid(head, lines);
}

/** The verdicts as a table. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return 'The run was too short to tell whether anything grows.';
  const lines = verdicts.map(({ name, first, last, isFlat }) => [
    name,
    first.toFixed(1),
    last.toFixed(1),
    (last / first).toFixed(2),
    isFlat ? 'flat' : 'GROWS',
  ]);
  return grid(['', 'first third', 'last third', 'ratio', 'verdict'], lines);
}

/**
 * What the tests cost, as Linux counts it. AVA loads this file into every test process (`require` of counting_ava.ts); at
 * its end the process adds a line about itself to the file that the environment names. A process that is killed adds none.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The variable with the path of the file that gets the lines. Without it nothing is written. */
export const USAGE_FILE = 'COUNTERMAND_TEST_USAGE';

/** What the tests of one file cost. */
export interface FileUsage {
  readonly file: string;
  /** From the start of the process to its end. */
  readonly wallMs: number;
  /** Processor time of the process, and of those of its children that it waited for. */
  readonly processorMs: number;
}

/** Linux reports processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of this process and of the children that it waited for; 0 where there is no /proc. */
export function processorMs(): number {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // The name of the program stands in brackets and may contain spaces. The third field follows it; we need 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
  } catch {
    return 0;
  }
}

/** The test file that this process runs. AVA is asked at the end only: to import it earlier would look like a test file. */
function testFile(): string {
  const { default: test } = createRequire(import.meta.url)('ava') as typeof import('ava');
  return relative(process.cwd(), fileURLToPath(test.meta.file));
}

/** What AVA calls in each test process. */
export default function reportAtExit(): void {
  const path = process.env[USAGE_FILE];
  if (path === undefined) return;
  process.once('exit', () => {
    const usage: FileUsage = { file: testFile(), wallMs: process.uptime() * 1000, processorMs: processorMs() };
    appendFileSync(path, `${JSON.stringify(usage)}\n`);
  });
}

/** The lines that the test processes wrote, the slowest file first. */
export function readUsages(path: string): FileUsage[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const usages: FileUsage[] = lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  return usages.toSorted((one, other) => other.wallMs - one.wallMs);
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(8);

/** A table of the slowest files. */
export function slowestFiles(usages: readonly FileUsage[], count: number): string {
  const rows = usages.slice(0, count);
  return rows.map((row) => `${inSeconds(row.wallMs)} ${inSeconds(row.processorMs)}  ${row.file}`).join('\n');
}

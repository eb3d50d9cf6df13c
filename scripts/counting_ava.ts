/**
 * AVA's configuration as package.json has it, and the numbers of the run written to file descriptor 3. AVA offers this
 * as an experiment (`observeRunsFromConfig`); its version is fixed. Its own summary leaves out processes that crashed,
 * and its TAP reporter breaks off at the first timeout.
 * Each test process reports what it cost (usage.ts). The order of the files is made here as well, for two cores.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groupedFiles, HOOKS } from '../test/grouped/hooks.ts';

/** What AVA counts. */
export interface AvaStats {
  readonly passedTests: number;
  readonly passedKnownFailingTests: number;
  readonly failedTests: number;
  readonly failedHooks: number;
  readonly failedWorkers: number;
  /** Begun or chosen, but not ended: their process died or timed out. */
  readonly remainingTests: number;
  readonly timeouts: number;
  readonly internalErrors: number;
  readonly sharedWorkerErrors: number;
  readonly uncaughtExceptions: number;
  readonly unhandledRejections: number;
  readonly unexpectedProcessExits: number;
}

/** One thing that happened in a run; those of type `stats` carry all numbers. */
interface RunEvent {
  readonly type: string;
  readonly stats?: AvaStats;
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

async function observeRun({ events }: { events: AsyncIterable<RunEvent> }): Promise<void> {
  let last: AvaStats | undefined;
  for await (const { stats } of events) last = stats ?? last;
  if (last) writeFileSync(3, JSON.stringify(last));
}

/** These take the longest, as `npm test` prints: begun last, they would run alone. */
export const FIRST: readonly string[] = [
  'test/grouped/callers.test.ts',
  'test/grouped/postgres.test.ts',
  'test/grouped/killed.test.ts',
  'test/grouped/houses.test.ts',
  'test/simulation/seeds_1.test.ts',
  'test/grouped/processes.test.ts',
  'test/grouped/worlds.test.ts',
  'test/grouped/patient.test.ts',
  'test/simulation/seeds_2.test.ts',
  'test/grouped/moments.test.ts',
  'test/grouped/plans.test.ts',
  'test/storm/storm.test.ts',
  'test/grouped/packages.test.ts',
  'test/sinks/rabbitmq.test.ts',
  'test/conformance/pyghmi.test.ts',
  'test/conformance/ipmi_sim.test.ts',
  'test/grouped/sockets.test.ts',
];

/** Where a file stands in the order. Some wait for time to pass and some compute, and those of a folder are alike: they are mixed. */
function rankOf(file: string): string {
  const place = FIRST.findIndex((first) => file.endsWith(`/${first}`));
  return place < 0 ? createHash('sha256').update(basename(file)).digest('hex') : ` ${String(place).padStart(2, '0')}`;
}

const sortTestFiles = (one: string, other: string): number => (rankOf(one) < rankOf(other) ? -1 : 1);

export default {
  ...manifest.ava,
  files: ['test/**/*.test.ts', ...groupedFiles().map((file) => `!${file}`)],
  require: [fileURLToPath(new URL('usage.ts', import.meta.url)), HOOKS],
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun,
  sortTestFiles,
};

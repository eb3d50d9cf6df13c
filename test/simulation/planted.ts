/**
 * Does the simulation find what it is for? `npm run defects` plants each of `defects.ts` in a copy of the product, runs seeds on the
 * copy until one fails that passes without the defect, and says which. `-- --seeds N` tries at most N seeds (300 unless told), from
 * `--from SEED` on; `-- NAME ...` only the defects whose names contain one of these. The exit code is 1 if one was not found.
 */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { copyWith } from './copies.ts';
import { DEFECTS } from './defects.ts';

/** How many seeds run in one process. */
const BATCH = 25;
/** A batch that takes longer waits for what will not happen, and its seeds count as failed. */
const BATCH_LIMIT_MS = 10 * 60_000;

/** What the first seeds of a range do. */
type Batch =
  /** All of them pass. */
  { readonly kind: 'passed' } | { readonly kind: 'failed'; readonly seed: number; readonly says: string };

/** Runs seeds in a folder until one fails. @throws if the simulation cannot be run there */
function runSeeds(folder: string, from: number, count: number): Batch {
  const run = ['test/simulation/run.ts', '--seeds', String(count), '--from', String(from), '--first'];
  const options = { cwd: folder, encoding: 'utf8', timeout: BATCH_LIMIT_MS, killSignal: 'SIGKILL' } as const;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, run, options);
  if (signal !== null) return { kind: 'failed', seed: from, says: `it or one of the next ${count} does not end` };
  if (status === 0) return { kind: 'passed' };
  // Of a seed that is well there may be a line as well.
  const [, seed, says] = /^seed (\d+): (.*) \(replay: /m.exec(stdout) ?? [];
  if (seed === undefined || says === undefined) throw new Error(`the simulation cannot be run: ${stderr}`);
  return { kind: 'failed', seed: Number(seed), says };
}

/** Two copies of the product. */
interface Copies {
  readonly good: string;
  readonly bad: string;
}

/** The first seed that fails with the defect and passes without it, and what it says; null if there is none. */
function firstFinding({ good, bad }: Copies, from: number, count: number): { seed: number; says: string } | null {
  for (let next = from; next < from + count; ) {
    const batch = runSeeds(bad, next, Math.min(BATCH, from + count - next));
    if (batch.kind === 'failed' && runSeeds(good, batch.seed, 1).kind === 'passed') return batch;
    next = batch.kind === 'failed' ? batch.seed + 1 : next + BATCH;
  }
  return null;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '300' }, from: { type: 'string', default: '1' } },
});
const isAsked = (name: string): boolean =>
  positionals.length === 0 || positionals.some((words) => name.includes(words));
for (const [name, edits] of Object.entries(DEFECTS).filter(([name]) => isAsked(name))) {
  const [good, bad] = [await copyWith(edits.filter(({ isInFront }) => isInFront)), await copyWith(edits)];
  try {
    const found = firstFinding({ good, bad }, Number(values.from), Number(values.seeds));
    process.exitCode = found === null ? 1 : process.exitCode;
    console.log(`${name}: ${found ? `seed ${found.seed}: ${found.says}` : `not found in ${values.seeds} seeds`}`);
  } finally {
    for (const folder of [good, bad]) await rm(folder, { recursive: true, force: true });
  }
}

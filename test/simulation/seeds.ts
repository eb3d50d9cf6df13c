import type { ExecutionContext } from 'ava';
import { type Summary, simulate } from './simulate.ts';

/** Runs `count` seeds from `first` on and proves that they reached what a simulation is for. */
export async function runSeeds(t: ExecutionContext, first: number, count: number): Promise<void> {
  const summaries: Summary[] = [];
  for (let seed = first; seed < first + count; seed += 1) summaries.push(await simulate(seed));
  const tasks = summaries.flatMap((summary) => summary.tasks);
  // A simulation in which nothing happens would pass as well: these must all have come up.
  for (const outcome of ['NOT_SENT', 'RECALLED', 'STOPPED_WAITING', 'TOO_LATE', 'FAILED', 'NOTHING_TO_ABORT']) {
    t.true(
      tasks.some(({ abortOutcome }) => abortOutcome === outcome),
      `no abort came to ${outcome}`,
    );
  }
  for (const state of ['SUCCEEDED', 'FAILED', 'ABORTED']) t.true(tasks.some((task) => task.state === state));
  t.true(
    tasks.some(({ phase, state }) => phase === 'FORCED_DOWN' && state === 'SUCCEEDED'),
    'nothing was forced',
  );
  const crashes = summaries.reduce((sum, summary) => sum + summary.crashes, 0);
  t.true(crashes > count, `only ${crashes} crashes`);
  t.log(`${count} seeds from ${first}: ${tasks.length} power tasks, ${crashes} crashes`);
}

import test from 'ava';
import { runSeeds } from './seeds.ts';
import { simulate } from './simulate.ts';

/** Ends a hang: seeds that go on for longer are stuck. */
const HANG_MS = 30 * 60_000;

/** In these a conductor is replaced while it runs; of the first 40, in four only. */
const REPLACED = [86, 92, 117];
/** A rollback of it is cancelled, which is rare. */
const CANCELLED_ROLLBACK = 49;

test('seeds 1 to 40, and four more: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(HANG_MS);
  await runSeeds(t, 1, 40, ...REPLACED, CANCELLED_ROLLBACK);
});

test('the same seed is the same run', async (t) => {
  const [once, twice] = [await simulate(7), await simulate(7)];
  t.deepEqual(once, twice);
  t.notDeepEqual(once.actions, (await simulate(8)).actions);
});

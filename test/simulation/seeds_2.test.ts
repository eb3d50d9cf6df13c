import test from 'ava';
import { runSeeds } from './seeds.ts';

/** Ends a hang: seeds that go on for longer are stuck. */
const HANG_MS = 30 * 60_000;

test('seeds 51 to 110: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(HANG_MS);
  await runSeeds(t, 51, 60);
});

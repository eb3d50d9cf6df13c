import test from 'ava';
import { runSeeds } from './seeds.ts';

test('seeds 121 to 240: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(240_000);
  await runSeeds(t, 121, 120);
});

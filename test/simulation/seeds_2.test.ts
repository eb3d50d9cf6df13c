import test from 'ava';
import { runSeeds } from './seeds.ts';

test('seeds 81 to 160: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(240_000);
  await runSeeds(t, 81, 80);
});

import test from 'ava';
import { runSeeds } from './seeds.ts';

test('seeds 126 to 250: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(240_000);
  await runSeeds(t, 126, 125);
});

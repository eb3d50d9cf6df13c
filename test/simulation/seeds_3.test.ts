import test from 'ava';
import { runSeeds } from './seeds.ts';

test('seeds 251 to 375: whatever crashes, nothing is lost, doubled or stuck', async (t) => {
  t.timeout(240_000);
  await runSeeds(t, 251, 125);
});

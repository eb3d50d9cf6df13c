/** How often power sync reads a fleet that takes most of its interval, or more than it, in virtual time. */
import test from 'ava';
import { World } from '../../world/world.ts';

const ANSWER_MS = 5000;
const NODES = 12;
/** One after the other. */
const ROUND_MS = NODES * ANSWER_MS;

/** When each node was read in an hour, by its address. */
async function looksIn(intervalMs: number): Promise<number[][]> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: intervalMs, syncPowerStateWorkers: 1 } });
  await world.startAgent('a1');
  const names = Array.from({ length: NODES }, (_, at) => `n${10 + at}`);
  for (const name of names) await world.enrol(name, { fake_answer_ms: `${ANSWER_MS}` });
  await world.clock.turn(60_000);
  const from = world.clock.monotonic();
  await world.clock.turn(3_600_000);
  const looks = Map.groupBy(
    world.looks.filter(({ at }) => at >= from),
    ({ address }) => address,
  );
  await world.end();
  await world.close();
  return [...looks.values()].map((each) => each.map(({ at }) => at));
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((at, before) => at - (times[before] ?? 0));

test('a round that takes half of the interval is part of it: each node is read once in each interval', async (t) => {
  const intervalMs = 2 * ROUND_MS;
  const looks = await looksIn(intervalMs);
  t.is(looks.length, NODES);
  for (const gap of looks.flatMap(gaps))
    t.true(gap >= intervalMs * 0.9 && gap <= intervalMs * 1.1, `read again after ${gap} ms`);
});

test('a round that takes longer than the interval is followed by a pause of a tenth of the interval', async (t) => {
  const intervalMs = ROUND_MS / 2;
  for (const gap of (await looksIn(intervalMs)).flatMap(gaps)) t.is(gap, ROUND_MS + intervalMs / 10);
});

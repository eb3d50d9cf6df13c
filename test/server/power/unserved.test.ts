/** Looking for nodes that no agent serves: the whole fleet is looked at, and no other call waits for that. */
import test from 'ava';
import { UnservedLooks } from '../../../src/server/power/unserved.ts';
import { World } from '../../world/world.ts';
import { insertFleet } from '../nodes/fleet.ts';
import { openRealDatabase, readingsPerTurn } from '../turns.ts';

const FLEET = 1200;

test('others are served between two pages of a look at the whole fleet', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.enrol('n');
  const database = await openRealDatabase(t);
  await insertFleet(FLEET, database);
  const { readings } = world.conductor;
  const working = new Set<Promise<unknown>>();
  const looks = new UnservedLooks({ ...readings, store: { ...readings.store, database } }, working);
  const look = async (): Promise<void> => {
    looks.lookAfter(0);
    await world.clock.turn(1);
    await Promise.all(working);
  };
  const { all, most } = await readingsPerTurn(look, /from `nodes`/, database);
  t.is(all, FLEET / 100 + 1);
  t.is(most, 1, `${most} pages were read before others were served`);
  await world.end();
  await world.database.close();
});

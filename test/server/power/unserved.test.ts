/** Looking for nodes that no agent serves: the whole fleet is looked at, and nobody waits for that. */
import test from 'ava';
import { othersFirst } from '../../../src/core/clock.ts';
import { UnservedLooks } from '../../../src/server/power/unserved.ts';
import { World } from '../../world/world.ts';

const FLEET = 1200;

test('others are served between two pages of a look at the whole fleet', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  const { database } = world;
  // The connection that a simulated conductor shares lets others in at each statement, which a real one does not.
  const { readings } = world.conductor;
  const parts = { ...readings, store: { ...readings.store, database } };
  await world.enrol('n');
  const [row] = await database.read('nodes');
  for (let at = 0; at < FLEET; at += 1)
    await database.read('nodes').insert({ ...row, uuid: `u${at}`, name: `x${at}`, bmc_key: `k${at}` });
  let turn = 0;
  const read: number[] = [];
  database.read.on('query', ({ sql }: { sql: string }) => {
    if (/^select \* from `nodes` .*order by `name` asc limit/.test(sql)) read.push(turn);
  });
  const working = new Set<Promise<unknown>>();
  new UnservedLooks(parts, working).lookAfter(0);
  const turned = world.clock.turn(1);
  for (let quiet = 0; quiet < 1000; quiet += 1) {
    turn += 1;
    if (working.size > 0) quiet = 0;
    await othersFirst();
  }
  await turned;
  const most = Math.max(...[...Map.groupBy(read, (at) => at).values()].map(({ length }) => length));
  t.true(read.length > 2 && most === 1, `pages were read in the turns ${read.join(', ')} of the event loop`);
  await world.end();
  await world.database.close();
});

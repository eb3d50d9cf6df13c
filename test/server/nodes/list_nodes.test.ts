/** Listing nodes costs what the fleet costs where labels are looked for, however small the pages, and holds nobody up. */
import test from 'ava';
import { othersFirst } from '../../../src/core/clock.ts';
import { listNodes } from '../../../src/server/store/nodes.ts';
import { World } from '../../world/world.ts';

const FLEET = 1200;

test('a page of one node, by a label that few have, is found in few readings, between which others are served', async (t) => {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  const { database } = world;
  await world.enrol('n');
  const [row] = await database.read('nodes');
  for (let at = 0; at < FLEET; at += 1) {
    const labels = JSON.stringify(at === FLEET - 1 ? { rack: '7' } : {});
    const own = { uuid: `u${at}`, name: `x${String(at).padStart(5, '0')}`, bmc_key: `k${at}`, labels };
    await database.read('nodes').insert({ ...row, ...own });
  }
  let readings = 0;
  let most = 0;
  database.read.on('query', ({ sql }: { sql: string }) => {
    if (sql.startsWith('select')) readings += 1;
  });
  const found = listNodes({ zone: '', driver: '', labels: { rack: '7' } }, '', 1, database.read);
  const isDone = found.then(() => true);
  for (let done = false; !done; done = await Promise.race([isDone, Promise.resolve(false)])) {
    const before = readings;
    await othersFirst();
    most = Math.max(most, readings - before);
  }
  t.deepEqual(
    (await found).map(({ name }) => name),
    [`x${String(FLEET - 1).padStart(5, '0')}`],
  );
  t.true(readings <= FLEET / 500 + 1, `${readings} readings`);
  t.true(most <= 1, `${most} readings before others were served`);
  await world.end();
  await database.close();
});

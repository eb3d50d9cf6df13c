/** Listing nodes costs what the fleet costs where labels are looked for, however small the pages, and lets other calls in. */
import test from 'ava';
import { listNodes } from '../../../src/server/store/nodes.ts';
import { openRealDatabase, readingsPerTurn } from '../turns.ts';
import { insertFleet } from './fleet.ts';

const FLEET = 1200;

test('a page of one node, by a label that few have, is found in few readings, between which others are served', async (t) => {
  const database = await openRealDatabase(t);
  const names = await insertFleet(FLEET, database);
  await database
    .read('nodes')
    .where('name', names.at(-1))
    .update({ labels: JSON.stringify({ rack: '7' }) });
  let found: string[] = [];
  const find = async (): Promise<void> => {
    const nodes = await listNodes({ zone: '', driver: '', labels: { rack: '7' } }, '', 1, database.read);
    found = nodes.map(({ name }) => name);
  };
  const { all, most } = await readingsPerTurn(find, /from `nodes`/, database);
  t.deepEqual(found, [names.at(-1)]);
  t.is(all, Math.ceil(FLEET / 500));
  t.is(most, 1, `${most} readings before others were served`);
});

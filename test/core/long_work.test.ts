/** Letting others in. */
import test from 'ava';
import { nextPortion } from '../../src/core/long_work.ts';

test('of many long pieces of work one goes on in each turn of the event loop, in the order of coming', async (t) => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const went: number[] = [];
  const works = Array.from({ length: 20 }, async (_, at) => {
    for (let portion = 0; portion < 2; portion += 1) {
      await nextPortion();
      went.push(at);
    }
  });
  for (let turns = 1; turns <= 10; turns += 1) {
    await turn();
    t.true(went.length <= turns, `${went.length} portions after ${turns} turns`);
  }
  await Promise.all(works);
  const once = Array.from({ length: 20 }, (_, at) => at);
  t.deepEqual(went, [...once, ...once]);
});

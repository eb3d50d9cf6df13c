/** However a BMC is spelled it has one queue, and a name that moves waits where the BMC is now. */
import test from 'ava';
import { Queues } from '../../src/agent/turns.ts';
import { sleep } from '../../src/core/signals.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createFakeDriver } from '../../src/drivers/fake/driver.ts';
import { never } from '../counterparts/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

/** BMCs by name: where each is can be changed. Each turn takes a second. */
function newBmcs(places: Record<string, string>) {
  const clock = new VirtualClock();
  const lookups: string[] = [];
  const driver: Driver = {
    ...(createFakeDriver({ clock }) as unknown as Driver),
    locate: async ({ key }, age) => {
      lookups.push(`${key} ${age}`);
      const place = places[key];
      if (place === undefined) throw new Error(`${key} has no address`);
      return place;
    },
  };
  const queues = new Queues(clock);
  const done: string[] = [];
  const take = (name: string, rank: 'order' | 'poll') =>
    queues.turnsAt(driver, { key: name, info: {} }, 0).turn(
      rank,
      async () => {
        done.push(`${name} begins at ${clock.monotonic()}`);
        await sleep(1000, clock, never());
      },
      never(),
    );
  return { clock, lookups, places, done, take };
}

test('two names of one BMC take turns; another BMC does not wait', async (t) => {
  const { clock, done, take } = newBmcs({
    localhost: '127.0.0.1:623',
    '127.0.0.1': '127.0.0.1:623',
    far: '10.0.0.1:623',
  });
  take('localhost', 'order');
  take('127.0.0.1', 'order');
  take('far', 'order');
  await clock.turn(5000);
  t.deepEqual(done.toSorted(), ['127.0.0.1 begins at 1000', 'far begins at 0', 'localhost begins at 0']);
});

test('a name that moves while its order waits has its turn where it is now', async (t) => {
  const { clock, lookups, places, done, take } = newBmcs({ a: 'old', b: 'old', c: 'new' });
  take('a', 'order');
  take('b', 'order');
  take('c', 'order');
  await clock.turn(500);
  places.b = 'new';
  await clock.turn(5000);
  t.deepEqual(done, ['a begins at 0', 'c begins at 0', 'b begins at 1000']);
  t.deepEqual(
    lookups.filter((line) => line.startsWith('b')),
    ['b recent', 'b anew', 'b anew'],
  );
});

test('a name that means nothing any more gets no turn, and holds up no other', async (t) => {
  const { clock, places, done, take } = newBmcs({ a: 'place', b: 'place', c: 'place' });
  const first = take('a', 'order');
  const second = take('b', 'order').catch(String);
  const third = take('c', 'poll');
  await clock.turn(500);
  delete places.b;
  await clock.turn(5000);
  await Promise.all([first, third]);
  t.is(await second, 'Error: b has no address');
  t.deepEqual(done, ['a begins at 0', 'c begins at 1000']);
});

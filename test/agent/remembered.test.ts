/** An agent remembers what is used, and no node or BMC for ever. */
import test from 'ava';
import { FIRST_SWEEP, REMEMBERED_MS, Remembered } from '../../src/agent/remembered.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

/** Writes this many keys that no one else writes. */
function fill(remembered: Remembered<string>, prefix: string, count: number): void {
  for (let at = 0; at < count; at += 1) remembered.set(`${prefix}${at}`, prefix);
}

test('what is used stays, however many others there are', async (t) => {
  const clock = new VirtualClock();
  const remembered = new Remembered<string>(clock);
  remembered.set('used', 'first');
  for (let day = 0; day < 5; day += 1) {
    fill(remembered, `day ${day} `, 2 * FIRST_SWEEP);
    await clock.turn(REMEMBERED_MS / 2);
    t.is(remembered.get('used'), 'first');
    await clock.turn(REMEMBERED_MS / 2);
  }
  remembered.set('used', 'second');
  t.is(remembered.get('used'), 'second');
});

test('nodes that come and go for a year leave no more behind than those of a few days', async (t) => {
  const clock = new VirtualClock();
  const remembered = new Remembered<string>(clock);
  let most = 0;
  for (let day = 0; day < 365; day += 1) {
    fill(remembered, `day ${day} `, FIRST_SWEEP);
    most = Math.max(most, remembered.size);
    await clock.turn(REMEMBERED_MS);
  }
  t.true(most <= 4 * FIRST_SWEEP, `${most} were remembered at once`);
  t.is(remembered.get('day 1 1'), undefined);
});

test('none is forgotten within a day, also of a large fleet', async (t) => {
  const clock = new VirtualClock();
  const remembered = new Remembered<string>(clock);
  const count = 50 * FIRST_SWEEP;
  fill(remembered, 'node ', count);
  await clock.turn(REMEMBERED_MS - 1);
  fill(remembered, 'other ', count);
  t.is(remembered.size, 2 * count);
  t.is(remembered.get('node 7'), 'node ');
});

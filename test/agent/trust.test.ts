/** A BMC that was away is believed when it has said the same for long enough. */
import test from 'ava';
import { SETTLE_MS, Trust } from '../../src/agent/trust.ts';
import type { Reading } from '../../src/core/power.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const ON: Reading = { powerState: 'power on' };
const OFF: Reading = { powerState: 'power off' };

test('what was never away is believed at once', (t) => {
  const trust = new Trust(new VirtualClock());
  t.deepEqual(
    [ON, OFF, ON].map((reading) => trust.judge(reading)),
    [ON, OFF, ON],
  );
});

test('openbmc#1810: errors for 4 s, then off for 12 s: off is never believed, and on is', async (t) => {
  const clock = new VirtualClock();
  const trust = new Trust(clock);
  trust.judge(ON);
  for (let second = 0; second < 4; second += 1) {
    trust.failed();
    await clock.turn(1000);
  }
  for (let second = 0; second < 12; second += 1) {
    t.deepEqual(trust.judge(OFF), { ...OFF, doubt: { before: 'power on' } });
    await clock.turn(1000);
  }
  const then: Reading[] = [];
  for (let second = 0; second < 6; second += 1) {
    then.push(trust.judge(ON));
    await clock.turn(1000);
  }
  t.true(then.slice(0, 3).every(({ doubt }) => doubt !== undefined));
  t.deepEqual(then.slice(3), [ON, ON, ON]);
});

test('the one that ends the doubt says the same as the one before it, however long that is ago', async (t) => {
  const clock = new VirtualClock();
  const trust = new Trust(clock);
  trust.failed();
  t.truthy(trust.judge(OFF).doubt);
  await clock.turn(SETTLE_MS);
  t.truthy(trust.judge(ON).doubt);
  t.is(trust.judge(ON).doubt, undefined);
});

test('a failure in between begins it anew; another lost session does not', async (t) => {
  const clock = new VirtualClock();
  const trust = new Trust(clock);
  trust.judge({ ...ON, sessionsLost: 0 });
  t.truthy(trust.judge({ ...OFF, sessionsLost: 1 }).doubt);
  await clock.turn(SETTLE_MS / 2);
  t.truthy(trust.judge({ ...OFF, sessionsLost: 2 }).doubt);
  trust.failed();
  t.truthy(trust.judge({ ...OFF, sessionsLost: 2 }).doubt);
  await clock.turn(SETTLE_MS - 1);
  t.truthy(trust.judge({ ...OFF, sessionsLost: 3 }).doubt);
  await clock.turn(1);
  t.is(trust.judge({ ...OFF, sessionsLost: 4 }).doubt, undefined);
});

test('sessions that were lost before the first reading mean nothing', (t) => {
  const trust = new Trust(new VirtualClock());
  t.is(trust.judge({ ...ON, sessionsLost: 7 }).doubt, undefined);
  t.is(trust.judge(ON).doubt, undefined);
  t.is(trust.judge({ ...ON, sessionsLost: 7 }).doubt, undefined);
});

import test from 'ava';
import { Deadlines } from '../../../src/server/store/deadlines.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

test('a deadline comes when it was to come, whatever the wall clock does meanwhile', async (t) => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const at = clock.now() + 1000;
  t.is(deadlines.leftMs('one', at), 1000);
  clock.jump(3_600_000);
  t.is(deadlines.leftMs('one', at), 1000);
  t.false(deadlines.isPast('one', at));
  await clock.turn(400);
  clock.jump(-7_200_000);
  t.is(deadlines.leftMs('one', at), 600);
  await clock.turn(600);
  t.true(deadlines.isPast('one', at));
});

test('another deadline of the same thing takes the place of the first; one that is forgotten is counted anew', (t) => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const at = clock.now() + 1000;
  deadlines.leftMs('one', at);
  t.is(deadlines.leftMs('one', at + 500), 1500);
  clock.jump(200);
  t.is(deadlines.leftMs('one', at + 500), 1500);
  t.is(deadlines.leftMs('two', at), 800);
  deadlines.forget('one');
  t.is(deadlines.leftMs('one', at + 500), 1300);
  deadlines.forget('one');
  deadlines.forget('two');
  t.is(deadlines.size, 0);
});

test('what has no deadline is never past, and what was over when it was first seen is past', (t) => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  t.false(deadlines.isPast('one', null));
  t.true(deadlines.isPast('two', clock.now()));
  t.true(deadlines.isPast('three', clock.now() - 1));
});

/** When a stand-by ends a leader, and when a leader stops: arithmetic over the moments that each of them sees. */
import test from 'ava';
import { LeaderLease, Patience } from '../../../src/server/store/postgres/election.ts';

type Look = readonly [now: number, pulse: string, verdict: 'wait' | 'end'];

const LOOKS: Readonly<Record<string, readonly Look[]>> = {
  'a leader that does something at each look is borne with': [
    [0, 'a', 'wait'],
    [3000, 'b', 'wait'],
    [6000, 'c', 'wait'],
  ],
  'one that does nothing is ended after its lease, and a little more for clocks that differ': [
    [0, 'a', 'wait'],
    [3000, 'a', 'wait'],
    [3149, 'a', 'wait'],
    [3150, 'a', 'end'],
  ],
  'after that, the next one has the same time': [
    [0, 'a', 'wait'],
    [4000, 'a', 'end'],
    [4250, 'a', 'wait'],
    [7149, 'a', 'wait'],
    [7150, 'a', 'end'],
  ],
  'a stand-by that was stopped itself has seen nothing, and may find a change': [
    [0, 'a', 'wait'],
    [60_000, 'b', 'wait'],
    [62_000, 'b', 'wait'],
    [63_150, 'b', 'end'],
  ],
};
for (const [title, looks] of Object.entries(LOOKS))
  test(title, (t) => {
    const patience = new Patience(3000);
    for (const [now, pulse, verdict] of looks) t.is(patience.saw(pulse, now), verdict, `at ${now}`);
  });

test('who finds the lock free waits for what is inside the former leader, as long as that may act', (t) => {
  t.is(new Patience(3000).restMs(100), 3150, 'nothing was seen of it');
  const patience = new Patience(3000);
  patience.saw('a', 1000);
  t.is(patience.restMs(2000), 2150);
  t.is(patience.saw('a', 4150), 'end');
  t.is(patience.restMs(4150), 0, 'it was waited for');
  t.is(patience.restMs(9000), 0);
});

test('a lease counts from the newest question that was answered, not from its answer', (t) => {
  const lease = new LeaderLease(3000, 0);
  t.is(lease.restMs(1000), 2000);
  lease.answered(400);
  t.is(lease.restMs(1000), 2400);
  lease.answered(300);
  t.is(lease.restMs(1000), 2400, 'an answer that was asked for before');
  t.is(lease.restMs(3400), 0);
});

test('a leader stops before a stand-by acts, whenever statements are asked and looks are taken', (t) => {
  for (let asked = 0; asked < 500; asked += 50)
    for (let travels = 0; travels < 400; travels += 50) {
      const lease = new LeaderLease(3000, 0);
      const patience = new Patience(3000);
      const arrived = asked + travels;
      // The answer to the last question of a leader that is cut off afterwards.
      lease.answered(asked);
      let now = 0;
      while (patience.saw(now < arrived ? 'before' : 'after', now) === 'wait') now += 250;
      t.is(lease.restMs(now), 0, `asked at ${asked}, ${travels} each way`);
    }
});

/** When a stand-by ends a leader, and when a leader stops: arithmetic over the moments that each of them sees. */
import test from 'ava';
import { openCancellation } from '../../../src/core/signals.ts';
import type { LedDatabase } from '../../../src/server/store/postgres/database.ts';
import { LeaderLease, Patience, Succession } from '../../../src/server/store/postgres/election.ts';
import { StandBy } from '../../../src/server/store/postgres/stand_by.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

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
  t.is(patience.restMs(2000), 3150, 'its session has ended by itself: it may have been answered since the last look');
  t.is(patience.saw('a', 4150), 'end');
  t.is(patience.restMs(4150), 0, 'it was waited for');
  t.is(patience.restMs(9000), 0);
});

test('that a leader has ended says nothing of the one before it, which may not have noticed yet', (t) => {
  const succession = new Succession(3000);
  t.is(succession.restMs(0), 0, 'nothing was seen');
  succession.saw(1, 0);
  succession.saw(1, 60_000);
  t.is(succession.restMs(60_000), 0, 'no other leader was seen');
  succession.saw(2, 60_250);
  succession.saw(2, 63_399);
  t.is(succession.restMs(63_399), 1, 'it may have been answered until it was followed');
  t.is(succession.restMs(63_400), 0);
});

test('whoever leads and stands by again knows for how long those before it may act', (t) => {
  const succession = new Succession(3000);
  succession.saw(1, 0);
  succession.won(2, 0, 100);
  succession.saw(2, 1000);
  t.is(succession.restMs(1000), 0, 'the one before it had ended');
  succession.won(3, 2000, 1100);
  succession.saw(3, 2000);
  t.is(succession.restMs(2000), 1100);
  succession.saw(5, 2500);
  t.is(succession.restMs(2500), 3150, 'others have led since');
});

const EARLIER = { host: 'another', pid: 1, startedAt: '1', lastWrite: 1, endedCleanly: false, conductor: null };

/** What a stand-by makes of what it sees, look by look, until it leads. @returns for how long it takes former agents inside to act */
async function mayActAfter(
  looks: readonly { readonly locked: boolean; readonly epoch: number; readonly ended: boolean }[],
) {
  const clock = new VirtualClock(() => false);
  const left = [...looks];
  const look = async () => {
    const { locked = true, epoch = 0, ended = false } = left.shift() ?? {};
    return {
      locked,
      owner: { ...EARLIER, generation: epoch, endedCleanly: ended },
      holder: null,
      pulse: String(left.length),
    };
  };
  const lead = async () => ({}) as LedDatabase;
  const standBy = new StandBy({
    ...{ clock, leaseMs: 3000, self: { host: 'this', pid: 2, startedAt: '1', startOf: () => null } },
    open: async () => ({ look, lead, endLeader: async () => {}, drop: () => {}, leave: async () => {} }),
    listener: { seen: () => {}, ended: () => {} },
  });
  return (await clock.finish(standBy.won(openCancellation([]).signal))).mayActMs;
}

const held = (epoch: number) => ({ locked: false, epoch, ended: false });
const free = (epoch: number, ended: boolean) => ({ locked: true, epoch, ended });

test('whoever leads waits for agents inside leaders that may not have noticed', async (t) => {
  t.is(await mayActAfter([held(1), free(1, true)]), 0, 'it has said that it ends');
  t.is(await mayActAfter([held(1), free(1, false)]), 3150, 'it may have been answered since it was looked at');
  t.is(await mayActAfter([held(1), free(2, true)]), 3150, 'so may the one before a leader that has ended');
  t.is(await mayActAfter([held(1), ...Array.from({ length: 15 }, () => held(2)), free(2, true)]), 0);
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

/** When a stand-by ends a leader, and when a leader stops: arithmetic over the moments that each of them sees. */
import test from 'ava';
import { CountermandError, type ErrorCode, fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import type { Sight } from '../../../src/server/store/postgres/candidate.ts';
import type { LedDatabase } from '../../../src/server/store/postgres/database.ts';
import { LeaderLease, Patience } from '../../../src/server/store/postgres/election.ts';
import type { OwnerRow } from '../../../src/server/store/postgres/owner.ts';
import { StandBy } from '../../../src/server/store/postgres/stand_by.ts';
import { Tenure } from '../../../src/server/store/postgres/tenure.ts';
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
    for (const [now, pulse, verdict] of looks) t.is(patience.saw(pulse, now, null), verdict, `at ${now}`);
  });

test('a leader that was started with another lease is borne with for that one', (t) => {
  const patience = new Patience(3000);
  t.is(patience.saw('a', 0, 9000), 'wait');
  t.is(patience.saw('a', 9449, 9000), 'wait');
  t.is(patience.saw('a', 9450, 9000), 'end');
  t.is(patience.saw('b', 9500, 1000), 'wait');
  t.is(patience.saw('b', 10_550, 1000), 'end');
});

test('who finds the lock free waits for what is inside the former leader, as long as that may act', (t) => {
  const last = { hasEnded: false, predecessorsEnded: true, leaseMs: null };
  t.is(new Patience(3000).mayActMs(100, last), 3150, 'nothing was seen of it');
  const patience = new Patience(3000);
  patience.saw('a', 1000, null);
  t.is(patience.mayActMs(2000, last), 3150, 'its session has ended by itself: it may have been answered until then');
  t.is(patience.mayActMs(2000, { ...last, hasEnded: true }), 0);
  t.is(patience.saw('a', 4150, null), 'end');
  t.is(patience.mayActMs(4150, last), 0, 'it was waited for');
  t.is(patience.mayActMs(9000, last), 0);
  for (const hasEnded of [true, false])
    t.is(
      patience.mayActMs(9000, { ...last, hasEnded, predecessorsEnded: false }),
      3150,
      'those before it may not have noticed',
    );
});

/** What a look sees, or why it fails. */
type Seen = CountermandError | Pick<Sight, 'locked' | 'owner'>;

/** Who leads, or has led last. */
const ownerOf = (predecessorsEnded: boolean, endedCleanly = false, leaseMs: number | null = null): OwnerRow => ({
  ...{ host: 'another', pid: 1, startedAt: '1', generation: 7, lastWrite: 1, conductor: null },
  ...{ endedCleanly, predecessorsEnded, leaseMs },
});
const HELD: Seen = { locked: false, owner: ownerOf(true) };
const FREE: Seen = { locked: true, owner: null };

/** A stand-by that sees this, look by look, until it leads or gives up. */
async function standsBy(...looks: readonly Seen[]) {
  const clock = new VirtualClock();
  const left = [...looks];
  /** When it looked, and what it told. */
  const [at, told]: [number[], (ErrorCode | null)[]] = [[], []];
  let endsAfterMs = -1;
  const tenure = {
    predecessorsEnd(ms: number): void {
      endsAfterMs = ms;
    },
  };
  const look = async () => {
    at.push(clock.monotonic());
    const seen = left.shift() ?? FREE;
    if (seen instanceof CountermandError) throw seen;
    return { ...seen, holder: null, pulse: String(left.length) };
  };
  const lead = async () => ({ tenure }) as unknown as LedDatabase;
  const standBy = new StandBy({
    ...{ clock, leaseMs: 3000, self: { host: 'this', pid: 2, startedAt: '1', startOf: () => null } },
    open: async () => ({ look, lead, endLeader: async () => {}, drop: () => {}, leave: async () => {} }),
    listener: { seen: (_, why) => void told.push(why?.code ?? null), ended: () => {} },
  });
  const won = await clock.finish(standBy.won(openCancellation([]).signal)).catch((error: CountermandError) => error);
  return { won, at, told, endsAfterMs, timers: clock.timers };
}

test('whoever leads waits for agents inside leaders that may not have noticed, and finds in the row whether there are any', async (t) => {
  for (const [owner, mayActMs] of [
    [null, 0],
    [ownerOf(true, true), 0],
    [ownerOf(true, false), 3150],
    [ownerOf(false, true), 3150],
    [ownerOf(false, false), 3150],
    [ownerOf(true, true, 9000), 0],
    [ownerOf(true, false, 9000), 9450],
    [ownerOf(false, true, 1000), 1050],
  ] as const)
    for (const before of [[], [HELD]] as const) {
      const { won, endsAfterMs } = await standsBy(...before, { locked: true, owner });
      t.like(won, { mayActMs }, JSON.stringify(owner));
      t.is(endsAfterMs, mayActMs, 'the next one is told as well');
    }
});

test('a database that is away, slow or full is waited for, also at the first look, longer from time to time', async (t) => {
  const away = fail('DATABASE_UNUSABLE', 'the database does not answer');
  const full = fail('DISK_FULL', 'the disk of the database is full');
  const { at, told, timers } = await standsBy(away, full, away, away, away, HELD, away, FREE);
  t.deepEqual(at, [0, 500, 1500, 3500, 5500, 7500, 7750, 8250]);
  const [is, isFull] = [away.code, full.code];
  t.deepEqual(told, [is, isFull, is, is, is, null, is]);
  t.is(timers, 0);
});

test('what waits for an operator ends it: at the first look also what may pass later', async (t) => {
  for (const code of ['DATABASE_NEWER', 'DATABASE_DAMAGED', 'SECRETS_KEY_WRONG', 'DATABASE_REFUSED'] as const) {
    const error = fail(code, 'no');
    t.is((await standsBy(error)).won, error);
    t.is((await standsBy(fail('DATABASE_UNUSABLE', 'away'), error)).won, error, 'it has seen nothing yet');
    const later = await standsBy(HELD, error);
    t.is(later.won === error, code !== 'DATABASE_REFUSED', code);
  }
});

test('a leader notes in its row when nothing acts any more of those before it, and tries until that is done', async (t) => {
  const clock = new VirtualClock();
  const beats: string[] = [];
  const beat = async (predecessorsEnded: boolean): Promise<void> => {
    beats.push(`${clock.monotonic()} ${predecessorsEnded}`);
    if (beats.length === 4) throw fail('DATABASE_UNUSABLE', 'the database does not answer');
    answered(clock.monotonic());
  };
  let answered = (_: number): void => {};
  const hear = (listener: typeof answered) => {
    answered = listener;
  };
  const tenure = new Tenure({ hear, clock, leaseMs: 3000, beat, over: () => {} });
  tenure.predecessorsEnd(2500);
  await clock.turn(5500);
  t.deepEqual(beats, ['0 false', '1000 false', '2000 false', '3000 true', '4000 true', '5000 false']);
  tenure.close();
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
      while (patience.saw(now < arrived ? 'before' : 'after', now, null) === 'wait') now += 250;
      t.is(lease.restMs(now), 0, `asked at ${asked}, ${travels} each way`);
    }
});

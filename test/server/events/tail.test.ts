/** Following events: none missed and none twice, read once for all, and at the cost of what is wanted. */
import test from 'ava';
import { othersFirst } from '../../../src/core/clock.ts';
import { CountermandError, fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { announce } from '../../../src/server/events/announce.ts';
import { EventTail } from '../../../src/server/events/tail.ts';
import type { Database } from '../../../src/server/store/database.ts';
import type { EventRow } from '../../../src/server/store/rows.ts';
import { seededChance } from '../../world/chance.ts';
import { World } from '../../world/world.ts';
import { openRealDatabase, readingsPerTurn } from '../turns.ts';

const GONE = fail('CALL_ENDED', 'the test has seen enough');
const QUIET = ['action_plan.cancel.*'];

async function emptyWorld(): Promise<World> {
  return World.create({ limits: { syncPowerStateIntervalMs: 0 } });
}

const write = (count: number, world: World, eventType = 'baremetal.node.update.success'): Promise<void> =>
  world.finish(
    world.database.write((transaction) => {
      const events = Array.from({ length: count }, () => ({ eventType, priority: 'INFO' as const, payload: {} }));
      return announce(events, transaction, world.conductor.orders.store);
    }),
  );

/** How often rows of events are read from now on. */
function readingsOf(database: Database): { count: number } {
  const readings = { count: 0 };
  database.read.on('query', ({ sql }: { sql: string }) => {
    if (/^select \* from `events`/.test(sql)) readings.count += 1;
  });
  return readings;
}

async function take(count: number, events: AsyncGenerator<EventRow>): Promise<number[]> {
  const sequences: number[] = [];
  while (sequences.length < count) {
    const { value, done } = await events.next();
    if (done) break;
    sequences.push(value.sequence);
  }
  return sequences;
}

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);

test('new events are read once, however many follow them, and not for those who want other types', async (t) => {
  const world = await emptyWorld();
  const { database } = world;
  await write(1, world);
  const tail = new EventTail(database);
  const cancellation = openCancellation([]);
  const loud = Array.from({ length: 100 }, () => tail.follow({ from: 2, globs: [] }, cancellation.signal));
  const quiet = Array.from({ length: 100 }, () => tail.follow({ from: 2, globs: QUIET }, cancellation.signal));
  const heard = loud.map((events) => take(3, events));
  const other = quiet.map((events) => take(1, events));
  while (database.feed.size === 0) await othersFirst();
  for (let turn = 0; turn < 10; turn += 1) await othersFirst();
  const readings = readingsOf(database);
  await write(3, world);
  for (const sequences of await Promise.all(heard)) t.deepEqual(sequences, [2, 3, 4]);
  t.is(readings.count, 1);
  await write(1, world, 'action_plan.cancel.start');
  for (const sequences of await Promise.all(other)) t.deepEqual(sequences, [5]);
  t.is(readings.count, 2);
  cancellation.abort(GONE);
  await world.end();
  await database.close();
});

test('no follower misses an event or gets one twice, however slow it is and however much comes at once', async (t) => {
  const world = await emptyWorld();
  const { database } = world;
  const chance = seededChance(14);
  const tail = new EventTail(database);
  const cancellation = openCancellation([]);
  await write(130, world);
  const starts = [1, 70, 131];
  const followers = starts.map((from) => ({
    from,
    events: tail.follow({ from, globs: [] }, cancellation.signal),
    seen: 0,
  }));
  let written = 130;
  for (let round = 0; round < 60; round += 1) {
    if (chance.happens(0.4)) {
      const count = chance.pick([1, 3, 49, 50, 51, 120]);
      await write(count, world);
      written += count;
    }
    const follower = chance.pick(followers);
    const there = written - (follower.from + follower.seen) + 1;
    const count = Math.min(there, chance.pick([1, 2, 60, 1000]));
    t.deepEqual(await take(count, follower.events), numbers(follower.from + follower.seen, count));
    follower.seen += count;
  }
  cancellation.abort(GONE);
  for (const { events } of followers) await t.throwsAsync(events.next(), { is: GONE });
  t.is(database.feed.size, 0);
  await world.end();
  await database.close();
});

test('reading what is stored lets others in, and ends with its call, also if nothing of it is wanted', async (t) => {
  const database = await openRealDatabase(t);
  const event = { event_type: 'loud', priority: 'INFO', publisher_id: 'p', payload: '{}', timestamp: 1 };
  for (let at = 0; at < 1000; at += 1) await database.read('events').insert({ ...event, message_id: `m${at}` });
  const tail = new EventTail(database);
  const cancellation = openCancellation([]);
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await othersFirst();
  };
  const follow = async (): Promise<void> => {
    const next = tail.follow({ from: 1, globs: QUIET }, cancellation.signal).next();
    await turns();
    cancellation.abort(GONE);
    await t.throwsAsync(next, { is: GONE });
    await turns();
  };
  const { all, most } = await readingsPerTurn(follow, /^select \* from `events`/, database);
  t.true(all > 0 && all < 10, `${all} of 20 pages were read for a call that has ended`);
  t.is(most, 1, `${most} pages were read before others were served`);
  t.is(database.feed.size, 0);
});

test('a follower that never reads is forgotten at the end of its call, and a failed reading is told', async (t) => {
  const world = await emptyWorld();
  const { database } = world;
  const tail = new EventTail(database);
  await write(3, world);
  const stuck = openCancellation([]);
  const events = tail.follow({ from: 1, globs: [] }, stuck.signal);
  t.deepEqual(await take(1, events), [1]);
  t.is(database.feed.size, 1);
  stuck.abort(GONE);
  for (let turn = 0; turn < 5; turn += 1) await othersFirst();
  t.is(database.feed.size, 0);

  const cancellation = openCancellation([]);
  const unreadable = (() => {
    throw fail('DATABASE_DAMAGED', 'a page cannot be read');
  }) as never;
  const failing = new EventTail({ feed: database.feed, read: unreadable });
  await t.throwsAsync(failing.follow({ from: 1, globs: [] }, cancellation.signal).next(), {
    instanceOf: CountermandError,
    message: /a page cannot be read/,
  });
  // The simulation found one that was left: seed 1157.
  for (let turn = 0; turn < 5; turn += 1) await othersFirst();
  t.is(database.feed.size, 0, 'a reading that fails at once watches nothing more');
  await world.end();
  await database.close();
});

test('the event that the follower who is furthest behind takes next is told, and none when all have taken theirs', async (t) => {
  const world = await emptyWorld();
  await write(4, world);
  const tail = new EventTail(world.database);
  const cancellation = openCancellation([]);
  const [slow, fast] = [1, 3].map((from) => tail.follow({ from, globs: [] }, cancellation.signal)) as [
    AsyncGenerator<EventRow>,
    AsyncGenerator<EventRow>,
  ];
  t.is(tail.oldest, null);
  await take(2, fast);
  t.is(tail.oldest?.sequence, 4);
  await take(2, slow);
  // It holds the second, and has not asked for another.
  t.is(tail.oldest?.sequence, 2);
  await take(2, slow);
  const waits = [take(1, slow), take(1, fast)];
  await othersFirst();
  t.is(tail.oldest, null);
  cancellation.abort(GONE);
  for (const wait of waits) await t.throwsAsync(wait, { is: GONE });
  await world.close();
});

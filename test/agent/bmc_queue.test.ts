import test from 'ava';
import { BmcQueue } from '../../src/agent/bmc_queue.ts';
import { fail } from '../../src/core/errors.ts';
import { openCancellation, sleep } from '../../src/core/signals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

function newQueue(restMs = 0) {
  const clock = new VirtualClock();
  const queue = new BmcQueue(restMs, clock);
  const { signal } = openCancellation([]);
  const done: string[] = [];
  const take = (name: string, rank: 'order' | 'poll', takesMs = 1000, until = signal): Promise<void> =>
    queue.turn(
      rank,
      async () => {
        await sleep(takesMs, clock, signal);
        done.push(`${name} at ${clock.monotonic()}`);
      },
      until,
    );
  return { clock, take, done };
}

test('one command at a time, orders before polls, the first to ask first', async (t) => {
  const { clock, take, done } = newQueue();
  take('poll 1', 'poll');
  take('poll 2', 'poll');
  take('order 1', 'order');
  take('order 2', 'order');
  await clock.turn(10_000);
  t.deepEqual(done, ['poll 1 at 1000', 'order 1 at 2000', 'order 2 at 3000', 'poll 2 at 4000']);
});

test('the BMC rests between two commands', async (t) => {
  const { clock, take, done } = newQueue(300);
  take('first', 'poll');
  take('second', 'poll');
  await clock.turn(2000);
  take('third', 'order');
  await clock.turn(10_000);
  t.deepEqual(done, ['first at 1000', 'second at 2300', 'third at 3600']);
  t.is(clock.timers, 0);
});

test('who gives up waiting leaves the queue at once, with the reason; the others go on', async (t) => {
  const { clock, take, done } = newQueue();
  const cancellation = openCancellation([]);
  take('first', 'poll');
  const given = take('second', 'order', 1000, cancellation.signal);
  take('third', 'poll');
  const reason = fail('ABORT_REQUESTED', 'no more');
  cancellation.abort(reason);
  t.is(await given.catch((error) => error), reason);
  await clock.turn(10_000);
  t.deepEqual(done, ['first at 1000', 'third at 2000']);
});

test('a command that fails ends its turn', async (t) => {
  const { clock, take, done } = newQueue();
  const { signal } = openCancellation([]);
  const queue = new BmcQueue(0, clock);
  await t.throwsAsync(
    queue.turn('order', () => Promise.reject(new Error('no')), signal),
    { message: 'no' },
  );
  t.is(await queue.turn('poll', async () => 'next', signal), 'next');
  take('other', 'poll', 0);
  await clock.turn(1);
  t.deepEqual(done, ['other at 0']);
});

import test from 'ava';
import { fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import { watchOver } from '../../src/core/watch.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

/** What is heard, with a limit on the silence; when it was too long is noted. */
function listen() {
  const clock = new VirtualClock();
  const cancellation = openCancellation([]);
  const [heard, over]: [{ at: number; limitMs: number }, number[]] = [{ at: 0, limitMs: 100 }, []];
  const restMs = (): number => heard.at + heard.limitMs - clock.monotonic();
  const watch = watchOver(restMs, () => over.push(clock.monotonic()), clock, cancellation.signal);
  return { clock, cancellation, heard, over, watch };
}

test('a time that is over is told at that moment, also if it was put off meanwhile', async (t) => {
  const { clock, heard, over } = listen();
  await clock.turn(60);
  heard.at = 60;
  await clock.turn(99);
  t.deepEqual(over, []);
  await clock.turn(1000);
  t.deepEqual(over, [160]);
  t.is(clock.timers, 0);
});

test('whoever looks often enough lets no timer run down, and learns of a limit that has become shorter', async (t) => {
  const { clock, heard, over, watch } = listen();
  let fired = 0;
  for (let beat = 0; beat < 10; beat += 1) {
    clock.after(50, () => {
      heard.at = clock.monotonic();
      watch.look();
    });
    await clock.turn(50, () => {
      fired += 1;
    });
  }
  t.is(fired, 10);
  t.is(clock.timers, 1);
  heard.limitMs = 20;
  watch.look();
  await clock.turn(1000);
  t.deepEqual(over, [520]);
});

test('after the abort nothing is told, and no timer is left', async (t) => {
  const { clock, cancellation, over, watch } = listen();
  cancellation.abort(fail('ABORT_REQUESTED', 'enough'));
  t.is(clock.timers, 0);
  watch.look();
  await clock.turn(1000);
  t.deepEqual(over, []);
  t.is(clock.timers, 0);
});

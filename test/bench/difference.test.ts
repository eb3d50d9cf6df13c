/** What two rows of blocks say that a part costs: moments in which the processor is slow are no cost of it. */
import test from 'ava';
import { differenceOf } from '../../bench/alternating/difference.ts';

/** Blocks of 1000, which cost more by turns, as on a computer with other work. */
const busy = (extra: number, length = 400): number[] =>
  Array.from({ length }, (_, at) => (1000 + extra) * (at % 50 < 20 ? 2 : 1) + ((at * 7919) % 101) - 50);

test('the difference is found though each block varies by more', (t) => {
  const shifted = busy(0).map((block, at) => block + 30 + ((at * 31) % 21) - 10);
  const { median, low, high } = differenceOf(shifted, busy(0));
  t.true(low <= 30 && 30 <= high && high - low < 5, `${low} ${median} ${high}`);
});

test('a few blocks that were interrupted change nothing', (t) => {
  const interrupted = busy(0).map((block, at) => (at % 20 === 0 ? block + 10_000 : block + 30));
  t.is(differenceOf(interrupted, busy(0)).median, 30);
});

test('no difference is told as such, and few blocks say that they know little', (t) => {
  const other = busy(0).map((block, at) => block + ((at * 13) % 41) - 20);
  const all = differenceOf(other, busy(0));
  t.true(all.low <= 0 && all.high >= 0);
  const few = differenceOf(other.slice(0, 9), busy(0).slice(0, 9));
  t.true(few.high - few.low > all.high - all.low);
});

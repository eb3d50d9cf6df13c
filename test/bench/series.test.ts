/** What a soak takes for growth. */
import test from 'ava';
import { type Sample, verdictsOf } from '../../bench/soak/series.ts';

const STEADY: Sample = { rssMb: 300, heapMb: 100, delayMs: 20, longestMs: 50, cpu: 0.8, files: 40 };

/** A run of 20 lines; `at` says how a line differs, by its place from 0 to 1. */
const runOf = (at: (share: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: 20 }, (_, line) => ({ ...STEADY, ...at(line / 19) }));

const growing = (samples: readonly Sample[]): string[] =>
  verdictsOf(samples).flatMap(({ name, isFlat }) => (isFlat ? [] : [name]));

const RUNS: readonly (readonly [what: string, at: (share: number) => Partial<Sample>, grows: readonly string[]])[] = [
  ['the same throughout', () => ({}), []],
  ['a warm-up, and then the same', (share) => ({ heapMb: share < 0.25 ? 50 : 100 }), []],
  ['a heap that grows by half', (share) => ({ heapMb: 100 + 50 * share }), ['heap']],
  ['a descriptor lost in each line', (share) => ({ files: 40 + 19 * share }), ['file descriptors']],
  ['a delay of some milliseconds more', (share) => ({ delayMs: 5 + 8 * share }), []],
  ['a delay that grows tenfold', (share) => ({ delayMs: 20 + 180 * share }), ['event-loop delay']],
  ['one line that is much worse', (share) => ({ rssMb: share === 1 ? 900 : 300 }), []],
];

for (const [what, at, grows] of RUNS)
  test(`${what}: ${grows[0] ?? 'flat'}`, (t) => t.deepEqual(growing(runOf(at)), [...grows]));

test('a run that is too short gives no verdict', (t) => t.deepEqual(verdictsOf([STEADY, STEADY]), []));

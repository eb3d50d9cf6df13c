/** What blocks of orders say that a part costs. */
import { AIM_PERCENT, PER_SECOND, percent } from '../cost.ts';
import { grid, quantile } from '../figures.ts';
import type { Blocks, WithoutPart } from './blocks.ts';

/** A difference, in microseconds, and between what it is in 95 of 100 cases. */
interface Difference {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The standard deviations within which 95 of 100 values of a normal distribution are. */
const DEVIATIONS = 1.96;

/**
 * The median of the differences of blocks that followed each other. How sure it is follows from their order alone, whatever their
 * distribution: the number of those below the true median is binomial.
 */
export function differenceOf(whole: readonly number[], without: readonly number[]): Difference {
  const differences = whole.map((with_, at) => with_ - (without[at] ?? Number.NaN));
  const reach = (DEVIATIONS * Math.sqrt(differences.length)) / 2 / differences.length;
  const at = (share: number): number => quantile(differences, Math.min(1, Math.max(0, share)));
  return { median: at(0.5), low: at(0.5 - reach), high: at(0.5 + reach) };
}

/** A line for each part. @param parts what it is called, and whether it is held to the aim */
export function differenceTable(
  parts: readonly (readonly [what: string, part: WithoutPart, isHeld: boolean])[],
  { whole, without }: Blocks,
): string {
  const head = [
    `blocks of orders by turns, ${whole.length} of each`,
    'an order with it',
    'without it',
    'difference',
    '95 of 100 times',
    `at ${PER_SECOND} orders per second`,
    'aim',
  ];
  const us = (value: number): string => `${value.toFixed(1)} us`;
  const lines = parts.map(([what, part, isHeld]) => {
    const others = without.get(part) ?? [];
    const { median, low, high } = differenceOf(whole, others);
    const cells = [what, us(quantile(whole, 0.5)), us(quantile(others, 0.5)), us(median)];
    const share = percent((median * PER_SECOND) / 1_000_000);
    return [...cells, `${low.toFixed(0)} to ${us(high)}`, share, isHeld ? `${AIM_PERCENT} %` : ''];
  });
  return `${grid(head, lines)}\n\n${WHY}`;
}

const WHY =
  'These differences decide: they are processor time as the system counts it, of the whole process, with the collection of garbage and all that a call\n' +
  'passes. The profile, which says where it goes, counts the time until the next sample, and with that what other processes take from a call of the system\n' +
  'or a small function. A difference whose range is wider than the aim says that the computer was too busy.';

/** Whether a client was told by each BMC what was to be told. A client that fails at half of them is no measurement. */
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';
import type { Measured } from './measured.ts';
import type { RealBmc, RealFleet } from './real_fleet.ts';

/** A client did not get the right answers. */
export class WrongAnswers extends Error {}

/** What a client printed for each BMC, by its address, from lines such as `127.130.0.1: on`. */
export function answersIn(output: string): Map<string, string> {
  const pairs = output.matchAll(/^(127[\d.]+): (.*)$/gm);
  return new Map([...pairs].map(([, address = '', answer = '']) => [address, answer.trim()]));
}

/** The same from powerman's shorter lines, such as `on:      127.130.0.[1-5,7-112],127.130.1.4`. */
export function rangesIn(output: string): Map<string, string> {
  const answers = new Map<string, string>();
  for (const [, answer = '', ranges = ''] of output.matchAll(/^(\w+): +(127.*)$/gm))
    for (const [, prefix = '', inside, last = ''] of ranges.matchAll(/(127[\d.]+\.)(?:\[([\d,-]+)\]|(\d+))/g))
      for (const number of numbersIn(inside ?? last)) answers.set(`${prefix}${number}`, answer);
  return answers;
}

/** All numbers of `1-5,7`. */
function numbersIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/**
 * Resolves with how many BMCs answered. Those that were silenced must not seem to have.
 * @throws WrongAnswers with what was said instead, and how often
 */
export function mustAnswer(
  what: string,
  answers: ReadonlyMap<string, string>,
  right: string,
  fleet: RealFleet,
): number {
  const due = new Set(fleet.answering().map(({ address }) => address));
  const wrong = new Map<string, number>();
  for (const { address } of fleet.bmcs) {
    const answer = answers.get(address) ?? 'nothing';
    if ((answer === right) !== due.has(address)) wrong.set(answer, (wrong.get(answer) ?? 0) + 1);
  }
  if (wrong.size === 0) return due.size;
  const counts = [...wrong].map(([answer, count]) => `${count} x ${answer}`).join(', ');
  throw new WrongAnswers(`${what}: not every one of ${due.size} BMCs said '${right}': ${counts}`);
}

/** As long as a BMC keeps sessions that were not ended. */
const REST_MS = 31_000;

/** The measurement, or why there is none: what was said instead of the right answers. @throws what is not about answers */
export async function measuredOr(
  measure: () => Promise<Measured>,
  signal: AbortSignal,
): Promise<Measured | WrongAnswers> {
  try {
    return await onceMore(measure, signal);
  } catch (error) {
    if (error instanceof WrongAnswers) return error;
    throw error;
  }
}

/**
 * Measures, and once more if the answers were wrong: a box with other work makes clients lose answers. A remark says so.
 * Before that the BMCs rest until they have forgotten what was left open.
 * @throws WrongAnswers if they were wrong again
 */
export async function onceMore(measure: () => Promise<Measured>, signal: AbortSignal): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    if (!(error instanceof WrongAnswers)) throw error;
    await sleep(REST_MS, systemClock, signal);
    return { ...(await measure()), remark: `measured again, for the first time ${error.message}` };
  }
}

/** `count` of them, spread evenly. */
export function sampleOf(bmcs: readonly RealBmc[], count: number): RealBmc[] {
  const step = bmcs.length / Math.min(count, bmcs.length);
  return bmcs.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}

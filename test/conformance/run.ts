import test from 'ava';
import type { Counterpart } from './counterpart.ts';
import { PROMISES } from './promises.ts';

/** Makes a test of each promise that can be tried against the counterpart. */
export function conforms({ name, situations }: Counterpart): void {
  for (const promise of PROMISES) {
    const situation = situations[promise.situation];
    if (situation === undefined) continue;
    test(`${name}, ${promise.situation}: ${promise.name}`, async (t) => promise.kept(t, await situation(t)));
  }
}

/** Clients that do the same to one fleet in turns, and the table of what it took them. */
import type { OnOff } from '../../src/core/power.ts';
import { measuredOr, WrongAnswers } from './answers.ts';
import { comparison, fastest, type Measured, middle, type Reference } from './measured.ts';

/** Does the thing once. */
export type Measure = () => Promise<Measured>;

/** Who takes part, in the order of the table. Peers that are not installed are empty. */
export interface Contest {
  readonly ipmitool?: readonly Measure[];
  readonly ipmipower: readonly Measure[];
  readonly powerman: readonly Measure[];
  readonly ours: readonly Measure[];
}

/** Everybody takes turns, so that what else the computer does meets all of them; a row has the median of each figure. */
const ROUNDS = 3;

/**
 * The table, in which all are set beside the fastest ipmipower and powerman. Below it stands who got wrong answers in each round,
 * as on a box with much other work: there is no row for that one.
 */
export async function contest(
  { ipmitool = [], ipmipower, powerman, ours }: Contest,
  signal: AbortSignal,
): Promise<string> {
  const all = [...ipmitool, ...ipmipower, ...powerman, ...ours];
  const measured = new Map<Measure, Measured[]>(all.map((measure) => [measure, []]));
  const failures = new Map<Measure, WrongAnswers>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const measure of all) {
      const outcome = await measuredOr(measure, signal);
      if (outcome instanceof WrongAnswers) failures.set(measure, outcome);
      else measured.get(measure)?.push(outcome);
    }
  }
  const rowsOf = (measures: readonly Measure[]): Measured[] =>
    measures
      .map((measure) => measured.get(measure) ?? [])
      .flatMap((times) => (times.length > 0 ? [middle(times)] : []));
  const peers = { ipmipower: rowsOf(ipmipower), powerman: rowsOf(powerman) };
  const references = Object.entries(peers).flatMap(([name, rows]): Reference[] =>
    rows.length > 0 ? [[name, fastest(rows)]] : [],
  );
  const missing = all.filter((measure) => measured.get(measure)?.length === 0);
  const notes = missing.map((measure) => `not measured: ${failures.get(measure)?.message}`);
  return [comparison(rowsOf(all), references), ...notes].join('\n\n');
}

/** Measures the power on after an unmeasured power off, so that it has something to do. */
export const onAfterOff =
  (change: (target: OnOff) => Promise<Measured>): Measure =>
  async () => {
    await change('power off');
    return await change('power on');
  };

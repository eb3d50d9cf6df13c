/** Clients that do the same to one fleet in turns, and the table of what it took them. */
import type { OnOff } from '../../src/core/power.ts';
import { onceMore } from './answers.ts';
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

/** The table, in which all are set beside the fastest ipmipower and powerman. @throws WrongAnswers if they came twice */
export async function contest(
  { ipmitool = [], ipmipower, powerman, ours }: Contest,
  signal: AbortSignal,
): Promise<string> {
  const all = [...ipmitool, ...ipmipower, ...powerman, ...ours];
  const rounds: Measured[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const measured: Measured[] = [];
    for (const measure of all) measured.push(await onceMore(measure, signal));
    rounds.push(measured);
  }
  const rowOf = new Map(all.map((measure, at) => [measure, middle(rounds.flatMap((measured) => measured[at] ?? []))]));
  const rowsOf = (measures: readonly Measure[]): Measured[] => measures.flatMap((measure) => rowOf.get(measure) ?? []);
  const references: Reference[] = [['ipmipower', fastest(rowsOf(ipmipower))]];
  if (powerman.length > 0) references.push(['powerman', fastest(rowsOf(powerman))]);
  return comparison(rowsOf(all), references);
}

/** Measures the power on after an unmeasured power off, so that it has something to do. */
export const onAfterOff =
  (change: (target: OnOff) => Promise<Measured>): Measure =>
  async () => {
    await change('power off');
    return await change('power on');
  };

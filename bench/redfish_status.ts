/** How fast does our Redfish driver read many BMCs, at what cost and with how many connections, beside what there is? And if some hang? */
import { measuredOr, WrongAnswers } from './ipmi/answers.ts';
import { comparison, type Measured, middle, type Reference } from './ipmi/measured.ts';
import { ourStatus, redfishtoolStatus, sushyStatus } from './redfish/clients.ts';
import { type RedfishGround, withServices } from './redfish/fleet.ts';

/** How many BMCs. */
export const SERVICES = 500;
/** How many of them hang in the second table. */
export const HUNG_SERVICES = SERVICES / 10;
const SAMPLE = 20;
/** sushy alone takes a minute of processor for a round. */
const ROUNDS = 1;

type Measure = () => Promise<Measured>;

/** Two tables. */
export function redfishStatus(signal: AbortSignal): Promise<string> {
  const measure = async (ground: RedfishGround): Promise<string> => {
    const [sushy64, tool] = [() => sushyStatus(64, 0, ground), () => redfishtoolStatus(8, SAMPLE, ground)];
    const all = [tool, sushy64, () => ourStatus(0, ground)];
    const well = await rounds(all, { redfishtool: tool, 'sushy, 64 threads': sushy64 }, signal);
    const hung64 = () => sushyStatus(64, HUNG_SERVICES, ground);
    const hung = [hung64, () => ourStatus(HUNG_SERVICES, ground)];
    const sick = await rounds(hung, { 'sushy, 64 threads': hung64 }, signal);
    return `${well}\n\nWith ${HUNG_SERVICES} that hang, until all others have answered:\n\n${sick}`;
  };
  return withServices(SERVICES, measure, signal);
}

/** Who got wrong answers in each round has no row, but stands below. */
async function rounds(
  all: readonly Measure[],
  references: Readonly<Record<string, Measure>>,
  signal: AbortSignal,
): Promise<string> {
  const measured = new Map<Measure, Measured[]>(all.map((measure) => [measure, []]));
  const notes = new Map<Measure, string>();
  for (let round = 0; round < ROUNDS; round += 1)
    for (const measure of all) {
      const outcome = await measuredOr(measure, signal);
      if (outcome instanceof WrongAnswers) notes.set(measure, `not measured: ${outcome.message}`);
      else measured.get(measure)?.push(outcome);
    }
  const rowOf = (measure: Measure): Measured[] => {
    const times = measured.get(measure) ?? [];
    return times.length === 0 ? [] : [middle(times)];
  };
  const beside = Object.entries(references).flatMap(([name, measure]) =>
    rowOf(measure).map((row): Reference => [name, row]),
  );
  const missing = all.flatMap((measure) => (measured.get(measure)?.length === 0 ? [notes.get(measure) ?? ''] : []));
  return [comparison(all.flatMap(rowOf), beside), ...missing].join('\n\n');
}

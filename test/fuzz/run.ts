/** `npm run fuzz`: a million mutated datagrams, with progress. `-- --count N --seed N` changes that. */
import { parseArgs } from 'node:util';
import { fuzzRmcp } from './rmcp.ts';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.count ?? (values.seed === undefined ? 1_000_000 : 1));
const STEP = 50_000;

let datagrams = 0;
let seed = Number(values.seed ?? 1);
const outcomes = new Map<string, number>();
while (datagrams < count) {
  const part = fuzzRmcp(Math.min(STEP, count - datagrams), seed);
  datagrams += part.datagrams;
  seed += part.sessions;
  for (const [outcome, times] of part.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + times);
  console.log(`rmcp: ${datagrams} datagrams in ${seed} sessions, all well`);
}
for (const [outcome, times] of outcomes) console.log(`  ${outcome}: ${times}`);

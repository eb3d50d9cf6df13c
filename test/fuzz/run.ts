/**
 * `npm run fuzz`: a million mutated datagrams at the IPMI client, with progress; `-- --http`: 100,000 inputs at the ports of a conductor.
 * `--count N --seed N` changes that.
 */
import { parseArgs } from 'node:util';
import { fuzzRmcp } from './rmcp.ts';
import { runHttp } from './run_http.ts';

const options = { count: { type: 'string' }, seed: { type: 'string' }, http: { type: 'boolean' } } as const;
const { values } = parseArgs({ options });
const STEP = 50_000;

function runRmcp(count: number): void {
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
}

if (values.http) await runHttp(Number(values.count ?? 100_000), Number(values.seed ?? 1));
else runRmcp(Number(values.count ?? (values.seed === undefined ? 1_000_000 : 1)));

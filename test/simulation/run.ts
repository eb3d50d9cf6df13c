/**
 * `npm run sim -- SEED` replays one seed; `npm run sim -- --seeds N [--from SEED]` runs many, with `--first` until one fails. With
 * `--twice`, every callback of a write runs twice, and must not show it.
 */
import { parseArgs } from 'node:util';
import { type Summary, simulate } from './simulate.ts';

/** The exit code of Node when nothing is left to run and something is still awaited. */
const UNSETTLED = 13;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    twice: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
});
const first = Number(positionals[0] ?? values.from);
const count = values.seeds ? Number(values.seeds) : 1;
let failures = 0;
let running = first;
process.on('exit', (code) => {
  if (code === UNSETTLED)
    console.log(`seed ${running}: it waits for what nothing will do (replay: npm run sim -- ${running})`);
});
for (let seed = first; seed < first + count; seed += 1) {
  running = seed;
  try {
    const summary = await simulate(seed, values.twice || undefined);
    if (count === 1) print(summary);
    if (count === 1 || seed % 100 === 0) console.log(`seed ${seed}: ${inBrief(summary)}, all well`);
  } catch (error) {
    failures += 1;
    console.log((error as Error).message);
    if (count === 1) console.log((error as Error).cause);
    if (values.first) break;
  }
}
console.log(`${count - failures} seeds well, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;

function inBrief({ plans, actions, tasks, received, crashes, takeOvers, elections, found }: Summary): string {
  const things = `${plans.length} plans, ${actions.length} actions, ${tasks.length} power tasks`;
  return `${things}, ${received} commands, ${crashes} crashes, ${takeOvers} taken over, ${elections} elections, ${found} nodes as before`;
}

/** What became of everything, for someone who replays a seed. */
function print({ plans, actions, tasks }: Summary): void {
  for (const plan of plans) {
    console.log(plan.name, plan.state, plan.statusMessage);
    for (const { planUuid, name, actionType, state, statusMessage } of actions)
      if (planUuid === plan.uuid) console.log(' ', name, actionType, state, statusMessage);
  }
  for (const { nodeName, target, state, abortOutcome, errorCode, errorMessage } of tasks)
    console.log(nodeName, target, state, abortOutcome ?? '', errorCode ?? '', errorMessage);
}

/** `npm run sim -- SEED` replays one seed; `npm run sim -- --seeds N [--from SEED]` runs many. */
import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string' }, from: { type: 'string', default: '1' } },
});
const first = Number(positionals[0] ?? values.from);
const count = values.seeds ? Number(values.seeds) : 1;
let failures = 0;
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const { tasks, crashes, received } = await simulate(seed);
    if (count === 1) {
      for (const task of tasks)
        console.log(
          task.nodeName,
          task.target,
          task.state,
          task.abortOutcome ?? '',
          task.errorCode ?? '',
          task.errorMessage,
        );
    }
    if (count === 1 || seed % 100 === 0)
      console.log(`seed ${seed}: ${tasks.length} tasks, ${received} commands, ${crashes} crashes, all well`);
  } catch (error) {
    failures += 1;
    console.log((error as Error).message);
    if (count === 1) console.log((error as Error).cause);
  }
}
console.log(`${count - failures} seeds well, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;

/**
 * `npm run bench`: measures, side by side with peers in the same run, and prints tables. `npm run bench -- QUESTION` asks
 * one question only. docs/performance.md has results and says how to read them.
 */
import { cpus, loadavg } from 'node:os';
import { fail } from '../src/core/errors.ts';
import { openScope } from '../src/core/signals.ts';
import { abortLatency } from './abort_latency.ts';
import { type Row, table } from './figures.ts';
import { orderLatency } from './order_latency.ts';
import { planCancel } from './plan_cancel.ts';
import { planRun } from './plan_run.ts';
import { supersede } from './supersede.ts';

/** The questions. A new one is one file and one line here. */
const QUESTIONS: Readonly<Record<string, readonly [title: string, ask: (signal: AbortSignal) => Promise<Row[]>]>> = {
  abort_latency: ['From the abort to its answer, with 100 orders in flight', abortLatency],
  order_latency: ['From the order to the BMC having it, 100 orders in turn', orderLatency],
  plan_run: ['Plans of nops, from the start to the end', planRun],
  plan_cancel: ['From the cancel of a plan to everything being written off or taken back', planCancel],
  supersede: ['From a change of a node to the plans that it makes stale being SUPERSEDED', supersede],
};

const scope = openScope([]);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => scope.abort(fail('CALL_ENDED', 'stopped')));

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(QUESTIONS, name));
if (unknown !== undefined) {
  process.stderr.write(`there is no question '${unknown}'; the questions are ${Object.keys(QUESTIONS).join(', ')}\n`);
  process.exit(2);
}
const [cpu] = cpus();
const load = (loadavg()[0] ?? 0).toFixed(1);
process.stdout.write(`${cpus().length} x ${cpu?.model}, Node ${process.versions.node}, load at the start ${load}\n`);
try {
  for (const [name, [title, ask]] of Object.entries(QUESTIONS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stdout.write(`\n${title}\n\n${table(await ask(scope.signal))}\n`);
  }
} catch (error) {
  if (!scope.signal.aborted) throw error;
  process.exitCode = 130;
}

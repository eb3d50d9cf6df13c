/**
 * `npm run bench`: measures, side by side with peers in the same run, and prints tables. `npm run bench -- QUESTION` asks
 * one question only. bench/README.md has results and says how to read them.
 */
import { cpus, loadavg } from 'node:os';
import { asCountermandError, fail } from '../src/core/errors.ts';
import { openCancellation } from '../src/core/signals.ts';
import { abortLatency } from './abort_latency.ts';
import { type Row, table } from './figures.ts';
import { fleetSync, largeFleetSync } from './fleet_sync.ts';
import { http } from './http.ts';
import { WrongAnswers } from './ipmi/answers.ts';
import { BMCS } from './ipmi/ground.ts';
import { HUNG, ipmiHung } from './ipmi_hung.ts';
import { ipmiPowerOn, PACE_MS } from './ipmi_power_on.ts';
import { ipmiRefresh } from './ipmi_refresh.ts';
import { ipmiStatus } from './ipmi_status.ts';
import { observing } from './observing.ts';
import { orderLatency } from './order_latency.ts';
import { planCancel } from './plan_cancel.ts';
import { planRun } from './plan_run.ts';
import { postgres } from './postgres.ts';
import { redfishStatus, SERVICES } from './redfish_status.ts';
import { rights } from './rights.ts';
import { rpcs } from './rpcs.ts';
import { soak } from './soak.ts';
import { start } from './start.ts';
import { supersede } from './supersede.ts';
import { takeover } from './takeover.ts';
import { watches } from './watches.ts';
import { year } from './year.ts';

/** Answers a question: rows for a table, or tables of its own. */
type Ask = (signal: AbortSignal) => Promise<Row[] | string>;

/** Questions that take minutes whatever they find: they are asked by name only. */
const LONG: readonly string[] = ['fleet_sync', 'large_fleet_sync', 'year', 'soak'];

/** The questions. A new one is one file and one line here. */
const QUESTIONS: Readonly<Record<string, readonly [title: string, ask: Ask]>> = {
  start: ['What a start of the command costs', start],
  abort_latency: ['From the abort to its answer, with 100 orders in flight', abortLatency],
  order_latency: ['From the order to the BMC having it, 100 orders in turn', orderLatency],
  plan_run: ['Plans of nops, from the start to the end', planRun],
  plan_cancel: ['From the cancel of a plan to everything being written off or taken back', planCancel],
  supersede: ['From a change of a node to the plans that it makes stale being SUPERSEDED', supersede],
  watches: ['Streams that each watch one node, in a fleet of as many', watches],
  fleet_sync: ['A fleet that is read every 120 s, and a plan that powers a twentieth of it off', fleetSync],
  large_fleet_sync: ['The same with 100,000 nodes', largeFleetSync],
  year: ['A year of a fleet of 10,000 nodes with a plan of 100 orders an hour, of which a month is kept', year],
  rights: ['What it costs to know who gives an order, and whether that is allowed', rights],
  observing: ['What the log and the metrics cost', observing],
  postgres: ['PostgreSQL beside SQLite, and the round trips of a turn', postgres],
  takeover: ['Several conductors on one PostgreSQL: how long no order is accepted when the leader goes', takeover],
  soak: ['Ten minutes of orders and cancelled plans, with a stream for each node: what grows', soak],
  rpcs: ['Each RPC, with as many streams open as there are nodes', rpcs],
  http: ['HTTP beside gRPC: a list of 1,000 nodes, and 100 orders until no node has a target', http],
  ipmi_status: [`The power status of ${BMCS} BMCs, 100 of them for ipmitool`, ipmiStatus],
  ipmi_refresh: [`RefreshNodes over ${BMCS} BMCs`, ipmiRefresh],
  ipmi_power_on: [
    `A plan of power on over ${BMCS} BMCs; ours paces each BMC, one command every ${PACE_MS} ms`,
    ipmiPowerOn,
  ],
  redfish_status: [`The power state of ${SERVICES} Redfish BMCs over https, 20 of them for redfishtool`, redfishStatus],
  ipmi_hung: [`${BMCS} BMCs of which ${HUNG} hang, until all others are done`, ipmiHung],
};

const cancellation = openCancellation([]);
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => cancellation.abort(fail('CALL_ENDED', 'stopped')));

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
    if (asked.length === 0 ? LONG.includes(name) : !asked.includes(name)) continue;
    process.stdout.write(`\n${title}\n\n${await answerOf(ask)}\n`);
  }
} catch (error) {
  if (!cancellation.signal.aborted) throw error;
  process.exitCode = 130;
}

/**
 * As text. A question whose peers or simulators are not installed is skipped, and one whose BMCs give other answers than the
 * right ones, as on a box with much other work, is not measured. Both say so.
 */
async function answerOf(ask: Ask): Promise<string> {
  try {
    const answer = await ask(cancellation.signal);
    return typeof answer === 'string' ? answer : table(answer);
  } catch (error) {
    if (error instanceof WrongAnswers) return `not measured: ${error.message}`;
    const { code, message } = asCountermandError(error);
    if (code !== 'COMMAND_MISSING') throw error;
    return `skipped: ${message}`;
  }
}

import type { ExecutionContext } from 'ava';
import { type Summary, simulate } from './simulate.ts';

/** Runs `count` seeds from `first` on, and others, and proves that they reached what a simulation is for. */
export async function runSeeds(
  t: ExecutionContext,
  first: number,
  count: number,
  ...others: readonly number[]
): Promise<void> {
  const summaries: Summary[] = [];
  const seeds = [...Array.from({ length: count }, (_, at) => first + at), ...others];
  for (const seed of seeds) summaries.push(await simulate(seed));
  // A simulation in which nothing happens would pass as well: these must all have come up.
  checkTasks(t, summaries);
  checkPlans(t, summaries);
  checkRollbacks(t, summaries);
  checkAudits(t, summaries);
  const crashes = sum(summaries.map((summary) => summary.crashes));
  t.true(crashes > count, `only ${crashes} crashes`);
  const takeOvers = sum(summaries.map((summary) => summary.takeOvers));
  t.true(takeOvers > count / 10, `only ${takeOvers} conductors were replaced while they ran`);
  const elections = summaries.map((summary) => summary.elections);
  const several = elections.filter((count) => count > 0).length;
  t.true(several > count / 5, `only ${several} seeds had several conductors`);
  t.true(sum(elections) > 4 * several, `only ${sum(elections)} elections in ${several} seeds`);
  const [plans, tasks] = [summaries.flatMap((each) => each.plans), summaries.flatMap((each) => each.tasks)];
  t.log(`${count} seeds from ${first}: ${plans.length} plans, ${tasks.length} power tasks, ${crashes} crashes`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

function checkTasks(t: ExecutionContext, summaries: readonly Summary[]): void {
  const tasks = summaries.flatMap((summary) => summary.tasks);
  for (const outcome of ['NOT_SENT', 'RECALLED', 'STOPPED_WAITING', 'TOO_LATE', 'FAILED', 'NOTHING_TO_ABORT']) {
    t.true(
      tasks.some(({ abortOutcome }) => abortOutcome === outcome),
      `no abort had the outcome ${outcome}`,
    );
  }
  for (const state of ['SUCCEEDED', 'FAILED', 'ABORTED']) t.true(tasks.some((task) => task.state === state));
  t.true(
    tasks.some(({ phase, state }) => phase === 'FORCED_DOWN' && state === 'SUCCEEDED'),
    'nothing was forced',
  );
}

/** The moves that plans and actions must have made. */
const PLAN_MOVES = [
  'RECOMMENDED CANCELLED',
  'PENDING CANCELLED',
  'ONGOING SUCCEEDED',
  'ONGOING FAILED',
  'CANCELLING CANCELLED',
  'CANCELLING FAILED',
  'SUCCEEDED DELETED',
  'RECOMMENDED SUPERSEDED',
  'PENDING SUPERSEDED',
];
const ACTION_MOVES = [
  'PENDING CANCELLED',
  'PENDING SKIPPED',
  'ONGOING SUCCEEDED',
  'ONGOING FAILED',
  'CANCELLING CANCELLED',
  'CANCELLING SUCCEEDED',
  'CANCELLING FAILED',
];

function checkPlans(t: ExecutionContext, summaries: readonly Summary[]): void {
  const plans = new Set(summaries.flatMap(({ plans }) => plans).map(lastMove));
  const actions = summaries.flatMap((summary) => summary.actions);
  const moves = new Set(actions.map(lastMove));
  for (const move of PLAN_MOVES) t.true(plans.has(move), `no plan went ${move}`);
  for (const move of ACTION_MOVES) t.true(moves.has(move), `no action went ${move}`);
  for (const code of ['ACTION_TIMED_OUT', 'ACTION_STILL_RUNNING', 'TASK_ABORTED', 'RECALL_FAILED']) {
    t.true(
      actions.some(({ errorCode }) => errorCode === code),
      `no action failed with ${code}`,
    );
  }
}

function checkAudits(t: ExecutionContext, summaries: readonly Summary[]): void {
  const ends = new Set(
    summaries.flatMap(({ audits }) => audits).map(({ auditType, state }) => `${auditType} ${state}`),
  );
  for (const end of ['CONTINUOUS CANCELLED', 'ONESHOT SUCCEEDED', 'ONESHOT DELETED'])
    t.true(ends.has(end), `no audit ended ${end}`);
  const said = summaries.flatMap(({ plans }) => plans).map(({ statusMessage }) => statusMessage);
  const later = said.filter((message) => message.startsWith('a later run of its audit'));
  t.true(later.length > 0, 'no plan was superseded by a later run of its audit');
}

function checkRollbacks(t: ExecutionContext, summaries: readonly Summary[]): void {
  const plans = summaries.flatMap((summary) => summary.plans);
  const rollbacks = plans.filter(({ rollbackOf }) => rollbackOf !== null);
  const ends = new Set(rollbacks.map(({ state }) => state));
  for (const end of ['SUCCEEDED', 'FAILED', 'CANCELLED'] as const) t.true(ends.has(end), `no rollback ended ${end}`);
  const undone = new Set(rollbacks.map(({ rollbackOf }) => rollbackOf));
  const twice = rollbacks.some(({ uuid }) => undone.has(uuid));
  t.true(twice, 'no rollback was rolled back');
  const bySelf = plans.filter(({ onFailure, rolledBackBy }) => onFailure === 'ROLLBACK' && rolledBackBy !== null);
  t.true(bySelf.length > 0, 'no plan rolled itself back');
  const found = summaries.reduce((sum, summary) => sum + summary.found, 0);
  t.true(found > summaries.length / 2, `only ${found} nodes were found to be what they were before`);
}

function lastMove({ previousState, state }: { previousState: string | null; state: string }): string {
  return `${previousState} ${state}`;
}

/** The outcome of an action must be what really happened: to its power task, to its node, on the clock. */
import type { ActionRow } from '../../src/server/store/plan_rows.ts';
import type { PowerTaskRow } from '../../src/server/store/rows.ts';
import { insist } from './insist.ts';
import type { PlanRows } from './plan_invariants.ts';
import type { Witness } from './witness.ts';

/**
 * Checks every action at the end of a simulation.
 * @param witness who has seen what became of nodes; null if there was none
 * @param inOrder the wall clock was never set back, so what is written later has a later time
 */
export function checkEnds(
  { actions, tasks }: Pick<PlanRows, 'actions' | 'tasks'>,
  witness: Witness | null,
  inOrder: boolean,
): void {
  const tasksByAction = new Map(tasks.map((task) => [task.actionUuid, task]));
  for (const action of actions) {
    const end = action.state === 'DELETED' ? action.previousState : action.state;
    const what = `action ${action.name} ${action.uuid} (${action.actionType}, ${end} ${action.errorCode ?? ''})`;
    const task = tasksByAction.get(action.uuid);
    if (action.actionType === 'change_node_power_state') checkPower(action, end, task, what);
    else insist(task === undefined, `${what} has a power task`);
    if (inOrder && task) checkTimes(action, task, what);
    if (witness && action.actionType === 'set_node_maintenance') checkMaintenance(action, end, witness, what);
    if (inOrder && action.actionType === 'sleep') checkSleep(action, end, what);
    const hasBegun = action.startedAt !== null;
    insist(hasBegun || !['SUCCEEDED', 'CANCELLING'].includes(end ?? ''), `${what} has never begun`);
    insist(end !== 'FAILED' || action.errorCode !== null, `${what} has no error`);
  }
}

/** When an action is given up, its task may end in any way afterwards. */
function isGivenUp(action: ActionRow): boolean {
  return action.errorCode === 'ACTION_TIMED_OUT' || hasTakenTooLong(action);
}

/** It was not taken back within cancel_deadline: after a cancel, or after its own timeout. */
function hasTakenTooLong({ errorCode }: ActionRow): boolean {
  return errorCode === 'ACTION_STILL_RUNNING' || errorCode === 'TOOK_TOO_LONG';
}

function checkPower(action: ActionRow, end: string | null, task: PowerTaskRow | undefined, what: string): void {
  const givenUp = isGivenUp(action);
  // An abort of what was given up may end in another way, later; the error stays.
  const takenBack = task?.state === 'ABORTED' && task.abortOutcome !== 'FAILED' && task.errorCode !== 'RECALL_FAILED';
  if (action.startedAt === null) insist(task === undefined, `${what} was never begun and has a power task`);
  if (end === 'SUCCEEDED') insist(task?.state === 'SUCCEEDED', `${what}, but its task is ${task?.state}`);
  if (end === 'CANCELLED' && task) insist(takenBack, `${what}, but its task is ${task.state} ${task.abortOutcome}`);
  if (wasCancelling(action) && end === 'FAILED' && !hasTakenTooLong(action))
    insist(!takenBack, `${what} says that it was not taken back, but its task was`);
  if (end === 'FAILED' && task && !givenUp) insist(task.state !== 'SUCCEEDED', `${what}, but its task is SUCCEEDED`);
  if (task === undefined) return;
  insist(task.target === action.inputParameters.state, `${what} has a task of another target`);
  insist(task.nodeUuid === action.nodeUuid, `${what} has a task of another node`);
  const before = action.beforeImage?.power_state ?? null;
  const wanted = task.sendingAt === null ? null : task.beforePowerState;
  insist(before === wanted, `${what} has the before-image ${before}, its task has ${wanted}`);
}

function checkTimes(action: ActionRow, task: PowerTaskRow, what: string): void {
  insist(task.createdAt >= (action.startedAt ?? Number.POSITIVE_INFINITY), `${what} began after its task`);
  if (!isGivenUp(action)) insist((task.endedAt ?? 0) <= (action.endedAt ?? 0), `${what} ended before its task`);
}

/** What is deleted has lost it. */
function wasCancelling({ state, previousState }: ActionRow): boolean {
  return state !== 'DELETED' && previousState === 'CANCELLING';
}

function checkMaintenance(action: ActionRow, end: string | null, witness: Witness, what: string): void {
  const isDone = end === 'SUCCEEDED';
  insist((action.beforeImage !== null) === isDone, `${what} has ${isDone ? 'no' : 'a'} before-image`);
  if (action.inputParameters.maintenance !== true || action.undoes !== null) return;
  const times = witness.timesSet(action.nodeUuid ?? '', String(action.inputParameters.reason));
  insist(times === (isDone ? 1 : 0), `${what} has set its node ${times} times`);
}

function checkSleep({ inputParameters, startedAt, endedAt }: ActionRow, end: string | null, what: string): void {
  if (end !== 'SUCCEEDED') return;
  const sleptMs = (endedAt ?? 0) - (startedAt ?? 0);
  insist(sleptMs >= Number(inputParameters.duration) * 1000, `${what} has slept for ${sleptMs} ms only`);
}

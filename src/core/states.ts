/**
 * State tables: which state follows which, on what event, and what is announced. The store's transitions are the only
 * writers of a state column and read these rows; types, database checks, docs/states.md and the tests read them too.
 */

/** One row: on `event`, a thing in one of the `from` states moves to `to`. An empty `from` creates it. */
export interface TransitionRow<State extends string, Event extends string> {
  readonly event: Event;
  readonly from: readonly State[];
  readonly to: State;
  /**
   * Notifications written in the same transaction, in this order. They carry the state after the move; one that ends in
   * `(before)` carries the state before it.
   */
  readonly notifies: readonly string[];
  readonly meaning: string;
}

/** How rows of one table are written. */
function rowsOf<State extends string>() {
  return <const Event extends string>(
    event: Event,
    from: readonly State[],
    to: State,
    notifies: readonly string[],
    meaning: string,
  ): TransitionRow<State, Event> => ({ event, from, to, notifies, meaning });
}

/** The states that no row leaves. */
function restOf<State extends string>(states: object, table: readonly TransitionRow<State, string>[]): State[] {
  return (Object.keys(states) as State[]).filter((state) => !table.some(({ from }) => from.includes(state)));
}

/** The row of an event. */
export function rowOf<State extends string, Event extends string>(
  table: readonly TransitionRow<State, Event>[],
  event: Event,
): TransitionRow<State, Event> {
  return table.find((row) => row.event === event) as TransitionRow<State, Event>;
}

// ── Power task ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The states of a power task, each with what it means. */
export const POWER_TASK_STATES = {
  QUEUED: 'accepted; nothing has been sent to the BMC',
  SENDING: 'the order may be on its way to the BMC',
  CONFIRMING: 'the order was sent; the hardware is watched until it has settled',
  ABORTING: 'an abort is committed and under way',
  SUCCEEDED: 'at rest: the target was reached',
  FAILED: 'at rest: the target was not reached, or the outcome is unknown',
  ABORTED: 'at rest: the order was taken back; the abort says how far',
} as const;
/** The name of a state. */
export type PowerTaskState = keyof typeof POWER_TASK_STATES;

const SET = 'baremetal.node.power_set';
const ABORT = 'baremetal.node.power_abort';
const task = rowsOf<PowerTaskState>();

/** The state table of the power task. */
export const POWER_TASK_TABLE = [
  task('order', [], 'QUEUED', [`${SET}.start`], 'an order was accepted'),
  task('wait', ['QUEUED'], 'QUEUED', [], 'the order waits at the agent until the hardware can be ordered to do it'),
  task('send', ['QUEUED'], 'SENDING', [], 'the agent has read the hardware and waits for Go'),
  task('send_next', ['CONFIRMING'], 'SENDING', [], 'the second half of a soft reboot, or the hard way after a timeout'),
  task('retry', ['SENDING'], 'SENDING', [], 'an idempotent command failed, or may have; it is prepared again'),
  task('accept', ['SENDING'], 'CONFIRMING', [], 'the BMC has the order, or may have it'),
  task('observe', ['CONFIRMING'], 'CONFIRMING', [], 'the hardware was seen to move'),
  task(
    'succeed',
    ['QUEUED', 'SENDING', 'CONFIRMING'],
    'SUCCEEDED',
    [`${SET}.end`],
    'the target was reached, or had been',
  ),
  task('fail', ['QUEUED', 'SENDING', 'CONFIRMING'], 'FAILED', [`${SET}.error`], 'the error says why'),
  task('abort', ['QUEUED', 'SENDING', 'CONFIRMING'], 'ABORTING', [], 'an abort or a withdrawal was committed'),
  task('abort_end', ['ABORTING'], 'ABORTED', [`${SET}.error`], 'the outcome says how far the order was taken back'),
  task('abort_late', ['ABORTING'], 'SUCCEEDED', [`${SET}.end`], 'the end state had been seen before the abort'),
  task('order_abort', [], 'SENDING', [`${ABORT}.start`], 'an ABORT target was accepted and its task is ABORTING'),
  task('end_abort', ['SENDING'], 'SUCCEEDED', [`${ABORT}.end`], 'the aborted task is at rest'),
  task('fail_abort', ['SENDING'], 'FAILED', [`${ABORT}.error`], 'the aborted task is at rest, but was not taken back'),
  task(
    'nothing_to_abort',
    [],
    'SUCCEEDED',
    [`${ABORT}.start`, `${ABORT}.end`],
    'an ABORT target found nothing to abort',
  ),
];
/** What moves a power task. */
export type PowerTaskEvent = (typeof POWER_TASK_TABLE)[number]['event'];

/** The states that no event leaves. */
export const POWER_TASK_REST = restOf<PowerTaskState>(POWER_TASK_STATES, POWER_TASK_TABLE);

/** The states in which a power task holds its node. */
export const POWER_TASK_UNSETTLED: readonly PowerTaskState[] = ['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING'];

/** True if no event leaves this state of a power task. */
export function isAtRest(state: PowerTaskState): boolean {
  return POWER_TASK_REST.includes(state);
}

/** The outcome of an abort. */
export const ABORT_OUTCOMES = {
  NOT_SENT: 'the order had not reached the BMC; it never will',
  RECALLED: 'the BMC accepted the recall and the host was still running after recall_confirm',
  STOPPED_WAITING: 'nothing can recall the order; the node may still change',
  TOO_LATE: 'the end state had already been seen',
  FAILED: 'the recall was refused or came too late on the hardware, or no agent answered',
  NOTHING_TO_ABORT: 'no matching order was in its abortable part; nothing happened',
} as const;
/** The name of an outcome. */
export type AbortOutcome = keyof typeof ABORT_OUTCOMES;

/** The outcomes that end the task ABORTED although the hardware may have the order: the node then shows `error`. */
export const OUTCOMES_IN_DOUBT: readonly AbortOutcome[] = ['RECALLED', 'STOPPED_WAITING', 'FAILED'];

/** The outcomes that open a *may still change* window. */
export const OUTCOMES_THAT_MAY_CHANGE: readonly AbortOutcome[] = ['STOPPED_WAITING', 'FAILED'];

// ── Audit ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The states of an audit. */
export const AUDIT_STATES = {
  PENDING: 'created; its strategy has not run yet',
  ONGOING: 'its strategy runs, or, if it is continuous, will run again',
  SUCCEEDED: 'at rest: its action plan was made, or there was nothing to do',
  FAILED: 'at rest: no action plan could be made',
  CANCELLED: 'at rest: it was taken back',
  SUSPENDED: 'it is continuous and does not run until it is resumed',
  DELETED: 'gone; kept for its events',
} as const;
/** The name of a state. */
export type AuditState = keyof typeof AUDIT_STATES;

const audit = rowsOf<AuditState>();

/** The state table of the audit. */
export const AUDIT_TABLE = [
  audit('create', [], 'PENDING', ['audit.create'], 'it was accepted'),
  audit('begin', ['PENDING'], 'ONGOING', ['audit.update'], 'its strategy runs'),
  audit('succeed', ['ONGOING'], 'SUCCEEDED', ['audit.update'], 'its action plan was made, or there is nothing to do'),
  audit('fail', ['ONGOING'], 'FAILED', ['audit.update'], 'this version does not know its strategy or its parameters'),
  audit('cancel', ['PENDING', 'ONGOING'], 'CANCELLED', ['audit.update'], 'an operator takes it back'),
  audit('suspend', ['ONGOING'], 'SUSPENDED', ['audit.update'], 'an operator stops it for a while'),
  audit('resume', ['SUSPENDED'], 'ONGOING', ['audit.update'], 'an operator lets it go on'),
  audit(
    'delete',
    ['SUCCEEDED', 'FAILED', 'CANCELLED', 'SUSPENDED'],
    'DELETED',
    ['audit.update', 'audit.delete'],
    'an operator is done with it, or with the action plan that it was made for',
  ),
];
/** What moves an audit. */
export type AuditEvent = (typeof AUDIT_TABLE)[number]['event'];

// ── Action plan ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The states of an action plan. */
export const ACTION_PLAN_STATES = {
  RECOMMENDED: 'made; nothing has been started',
  PENDING: 'started; it waits for its turn, for the end of a freeze, or for a second person',
  ONGOING: 'its actions run',
  CANCELLING: 'a cancel is committed; nothing more is started, and what runs is aborted',
  SUCCEEDED: 'at rest: every action succeeded or was skipped',
  FAILED: 'at rest: an action failed, or a cancel could not abort one',
  CANCELLED: 'at rest: it was cancelled, and everything that ran was taken back or had succeeded',
  SUPERSEDED: 'at rest: it was never started, and the world it was made for has changed',
  DELETED: 'gone; kept for its events',
} as const;
/** The name of a state. */
export type ActionPlanState = keyof typeof ACTION_PLAN_STATES;

const PLAN = 'action_plan';
const plan = rowsOf<ActionPlanState>();

/** The state table of the action plan. */
export const ACTION_PLAN_TABLE = [
  plan('create', [], 'RECOMMENDED', [`${PLAN}.create`], 'it was accepted'),
  plan('start', ['RECOMMENDED'], 'PENDING', [`${PLAN}.update`], 'an operator starts it'),
  plan('approve', ['PENDING'], 'PENDING', [`${PLAN}.update`], 'a second person agrees to its start; it takes its turn'),
  plan('launch', ['PENDING'], 'ONGOING', [`${PLAN}.update`, `${PLAN}.execution.start`], 'its turn has come'),
  plan('succeed', ['ONGOING'], 'SUCCEEDED', [`${PLAN}.update`, `${PLAN}.execution.end`], 'every action is done'),
  plan(
    'fail',
    ['ONGOING'],
    'FAILED',
    [`${PLAN}.update`, `${PLAN}.execution.error`],
    'an action failed and all are at rest',
  ),
  plan(
    'drop',
    ['RECOMMENDED', 'PENDING'],
    'CANCELLED',
    [`${PLAN}.cancel.start (before)`, `${PLAN}.update`, `${PLAN}.cancel.end`],
    'it is cancelled before it ran',
  ),
  plan(
    'cancel',
    ['ONGOING'],
    'CANCELLING',
    [`${PLAN}.update`, `${PLAN}.cancel.start`],
    'it is cancelled while it runs',
  ),
  plan('cancel_end', ['CANCELLING'], 'CANCELLED', [`${PLAN}.update`, `${PLAN}.cancel.end`], 'all actions are at rest'),
  plan(
    'cancel_fail',
    ['CANCELLING'],
    'FAILED',
    [`${PLAN}.update`, `${PLAN}.cancel.error`],
    'an action could not be aborted',
  ),
  plan('supersede', ['RECOMMENDED', 'PENDING'], 'SUPERSEDED', [`${PLAN}.update`], 'it has become stale'),
  plan(
    'delete',
    ['RECOMMENDED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'SUPERSEDED'],
    'DELETED',
    [`${PLAN}.update`, `${PLAN}.delete`],
    'an operator is done with it',
  ),
];
/** What moves an action plan. */
export type ActionPlanEvent = (typeof ACTION_PLAN_TABLE)[number]['event'];

/** What the plan that a rollback undoes has to say when the rollback moves: `action_plan.rollback.…`. */
export const ROLLBACK_PHASES: Partial<Record<ActionPlanEvent, 'start' | 'end' | 'error'>> = {
  launch: 'start',
  succeed: 'end',
  fail: 'error',
  cancel_end: 'error',
  cancel_fail: 'error',
};

/** The states in which an action plan runs, and other plans keep off its nodes. */
export const ACTION_PLAN_RUNNING: readonly ActionPlanState[] = ['ONGOING', 'CANCELLING'];

/** True if nothing more happens to a plan in this state by itself. */
export function isPlanAtRest(state: ActionPlanState): boolean {
  return !['RECOMMENDED', 'PENDING', 'ONGOING', 'CANCELLING'].includes(state);
}

// ── Action ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The states of an action. */
export const ACTION_STATES = {
  PENDING: 'it has not begun',
  ONGOING: 'it runs',
  CANCELLING: 'it runs and is being aborted',
  SUCCEEDED: 'at rest: it did what it should',
  FAILED: 'at rest: it did not, or could not be aborted',
  SKIPPED: 'at rest: there was nothing to do',
  CANCELLED: 'at rest: it never began, or was taken back',
  DELETED: 'gone with its plan; kept for its events',
} as const;
/** The name of a state. */
export type ActionState = keyof typeof ACTION_STATES;

const action = rowsOf<ActionState>();

/** The state table of the action. */
export const ACTION_TABLE = [
  action('create', [], 'PENDING', ['action.create'], 'its plan was accepted'),
  action('start', ['PENDING'], 'ONGOING', ['action.update', 'action.execution.start'], 'its parents are done'),
  action('skip', ['PENDING'], 'SKIPPED', ['action.update'], 'its precondition says that there is nothing to do'),
  action(
    'refuse',
    ['PENDING'],
    'FAILED',
    ['action.update', 'action.execution.error'],
    'its precondition does not hold',
  ),
  action('succeed', ['ONGOING'], 'SUCCEEDED', ['action.update', 'action.execution.end'], 'it is done'),
  action('fail', ['ONGOING'], 'FAILED', ['action.update', 'action.execution.error'], 'the error says why'),
  action(
    'drop',
    ['PENDING'],
    'CANCELLED',
    ['action.cancel.start (before)', 'action.update', 'action.cancel.end'],
    'its plan is cancelled, superseded, or has failed before it began',
  ),
  action(
    'cancel',
    ['ONGOING'],
    'CANCELLING',
    ['action.update', 'action.cancel.start'],
    'its plan is cancelled while it runs',
  ),
  action('cancel_end', ['CANCELLING'], 'CANCELLED', ['action.update', 'action.cancel.end'], 'it was taken back'),
  action(
    'cancel_late',
    ['CANCELLING'],
    'SUCCEEDED',
    ['action.update', 'action.cancel.end'],
    'it was done before it could be taken back',
  ),
  action(
    'cancel_fail',
    ['CANCELLING'],
    'FAILED',
    ['action.update', 'action.cancel.error'],
    'it could not be taken back',
  ),
  action(
    'delete',
    ['PENDING', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED'],
    'DELETED',
    ['action.update', 'action.delete'],
    'its plan is deleted',
  ),
];
/** What moves an action. */
export type ActionEvent = (typeof ACTION_TABLE)[number]['event'];

/** The states in which an action is done and lets its children begin. */
export const ACTION_DONE: readonly ActionState[] = ['SUCCEEDED', 'SKIPPED'];

/** True if an action in this state runs or may yet run. */
export function isActionUnsettled(state: ActionState): boolean {
  return state === 'PENDING' || state === 'ONGOING' || state === 'CANCELLING';
}

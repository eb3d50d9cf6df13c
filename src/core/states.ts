/**
 * State tables: which state follows which, on what event, and what is announced. The store's `transition()` is the only
 * writer of a state column and reads these rows; types, database checks, docs/states.md and the tests read them too.
 */

/** One row: on `event`, a thing in one of the `from` states moves to `to`. An empty `from` creates it. */
export interface TransitionRow<State extends string, Event extends string> {
  readonly event: Event;
  readonly from: readonly State[];
  readonly to: State;
  /** Notifications written in the same transaction, in this order. */
  readonly notifies: readonly string[];
  readonly meaning: string;
}

/** The states of a power task, each with what it means. */
export const POWER_TASK_STATES = {
  QUEUED: 'accepted; nothing has been sent to the BMC',
  SENDING: 'the order may be on its way to the BMC',
  CONFIRMING: 'the order was sent; the hardware is watched until it has settled',
  ABORTING: 'an abort is committed and under way',
  SUCCEEDED: 'at rest: the target was reached',
  FAILED: 'at rest: the target was not reached, or nobody can tell',
  ABORTED: 'at rest: the order was taken back; the abort says how far',
} as const;
/** The name of a state. */
export type PowerTaskState = keyof typeof POWER_TASK_STATES;

const SET = 'baremetal.node.power_set';
const ABORT = 'baremetal.node.power_abort';

const POWER_TASK_ROWS = [
  { event: 'order', from: [], to: 'QUEUED', notifies: [`${SET}.start`], meaning: 'an order was accepted' },
  {
    event: 'send',
    from: ['QUEUED'],
    to: 'SENDING',
    notifies: [],
    meaning: 'the agent has read the hardware and waits for Go',
  },
  {
    event: 'send_next',
    from: ['CONFIRMING'],
    to: 'SENDING',
    notifies: [],
    meaning: 'the second half of a soft reboot, or the hard way after a timeout',
  },
  {
    event: 'accept',
    from: ['SENDING'],
    to: 'CONFIRMING',
    notifies: [],
    meaning: 'the BMC has the order, or may have it',
  },
  { event: 'observe', from: ['CONFIRMING'], to: 'CONFIRMING', notifies: [], meaning: 'the hardware was seen to move' },
  {
    event: 'succeed',
    from: ['QUEUED', 'SENDING', 'CONFIRMING'],
    to: 'SUCCEEDED',
    notifies: [`${SET}.end`],
    meaning: 'the target was reached, or had been before',
  },
  {
    event: 'fail',
    from: ['QUEUED', 'SENDING', 'CONFIRMING'],
    to: 'FAILED',
    notifies: [`${SET}.error`],
    meaning: 'the error says why',
  },
  {
    event: 'abort',
    from: ['QUEUED', 'SENDING', 'CONFIRMING'],
    to: 'ABORTING',
    notifies: [],
    meaning: 'an abort or a withdrawal was committed',
  },
  {
    event: 'abort_end',
    from: ['ABORTING'],
    to: 'ABORTED',
    notifies: [`${SET}.error`],
    meaning: 'the outcome says how far the order was taken back',
  },
  {
    event: 'abort_late',
    from: ['ABORTING'],
    to: 'SUCCEEDED',
    notifies: [`${SET}.end`],
    meaning: 'the end state had been seen before the abort',
  },
  {
    event: 'recall',
    from: [],
    to: 'SENDING',
    notifies: [`${ABORT}.start`],
    meaning: 'an ABORT target was accepted and its task is ABORTING',
  },
  {
    event: 'recall_end',
    from: ['SENDING'],
    to: 'SUCCEEDED',
    notifies: [`${ABORT}.end`],
    meaning: 'the aborted task is at rest',
  },
  {
    event: 'recall_fail',
    from: ['SENDING'],
    to: 'FAILED',
    notifies: [`${ABORT}.error`],
    meaning: 'the aborted task is at rest, but could not be taken back',
  },
  {
    event: 'recall_nothing',
    from: [],
    to: 'SUCCEEDED',
    notifies: [`${ABORT}.start`, `${ABORT}.end`],
    meaning: 'an ABORT target found nothing to abort',
  },
] as const satisfies readonly TransitionRow<PowerTaskState, string>[];

/** What moves a power task. */
export type PowerTaskEvent = (typeof POWER_TASK_ROWS)[number]['event'];

/** The state table of the power task. */
export const POWER_TASK_TABLE: readonly TransitionRow<PowerTaskState, PowerTaskEvent>[] = POWER_TASK_ROWS;

/** The row of an event. */
export function powerTaskRow(event: PowerTaskEvent): TransitionRow<PowerTaskState, PowerTaskEvent> {
  return POWER_TASK_TABLE.find((row) => row.event === event) as TransitionRow<PowerTaskState, PowerTaskEvent>;
}

/** The states that no event leaves. */
export const POWER_TASK_REST: readonly PowerTaskState[] = ['SUCCEEDED', 'FAILED', 'ABORTED'];

/** The states in which a power task holds its node. */
export const POWER_TASK_UNSETTLED: readonly PowerTaskState[] = ['QUEUED', 'SENDING', 'CONFIRMING', 'ABORTING'];

/** True if no event leaves this state. */
export function isAtRest(state: PowerTaskState): boolean {
  return POWER_TASK_REST.includes(state);
}

/** What an abort came to. */
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

/** A power task in sentences, each on one line, and what it means for the exit code. */
import { type CountermandError, type ErrorCode, fail, failWith, isErrorCode } from '../../core/errors.ts';
import { isAbort } from '../../core/power.ts';
import { isAtRest, type PowerTaskState as StateName } from '../../core/states.ts';
import { AbortOutcome, PowerState, type PowerTask, PowerTaskState } from '../../gen/countermand/v1/power.ts';
import { oneLine } from './harmless.ts';
import { line } from './lines.ts';
import { possibleCommands } from './possible.ts';
import { shortId } from './short_ids.ts';
import type { TimeText } from './times.ts';
import { enumName, powerStateWord, recallWords, spanWords, targetOf, targetWord } from './words.ts';

/** The name of a task's state. */
export function stateName(task: PowerTask): StateName {
  return enumName(PowerTaskState, task.state) as StateName;
}

/** The name of an outcome; empty while there is none. */
export function outcomeName(task: PowerTask): string {
  const outcome = task.abort?.outcome ?? AbortOutcome.UNSPECIFIED;
  return outcome === AbortOutcome.UNSPECIFIED ? '' : enumName(AbortOutcome, outcome);
}

/** True for a task that aborts another. */
function isAbortTask(task: PowerTask): boolean {
  const target = targetOf(task.target);
  return target !== null && isAbort(target);
}

/** True once the task has ended. */
export function hasEnded(task: PowerTask): boolean {
  return isAtRest(stateName(task));
}

const title = (task: PowerTask): string => `${task.nodeName}: ${targetWord(task.target)}`;

const observed = (state: PowerState): string | false =>
  state !== PowerState.UNSPECIFIED && `observed ${powerStateWord(state)}`;

const problem = ({ problem: found }: PowerTask): string | false =>
  found !== undefined && `not readable: ${found.code}: ${found.message}`;

/** The first line: what was accepted, and how far it can be recalled. */
export function acceptedLine(task: PowerTask): string {
  return line(
    `${title(task)} accepted as power task ${shortId(task.uuid)}`,
    !isAbortTask(task) && recallWords(task.recall),
  );
}

/** One change, for those who do not look at a terminal. */
export function changeLine(task: PowerTask): string {
  return line(`${title(task)} ${stateName(task)}`, observed(task.observedPowerState), problem(task), task.message);
}

/** What goes on, for a line that is written over again and again. */
export function liveLine(task: PowerTask, nowMs: number): string {
  const since = task.sendingAt ?? task.createdAt;
  const { deadlineAt } = task;
  return line(
    `${title(task)} ${stateName(task)}`,
    since && spanWords(nowMs - since.getTime()),
    deadlineAt && `times out in ${spanWords(deadlineAt.getTime() - nowMs)}`,
    observed(task.observedPowerState),
    problem(task),
    !isAbortTask(task) && recallWords(task.recall),
  );
}

/** How it ended. Of an abort its outcome counts: SUCCEEDED says only that there is one. */
export function endLine(task: PowerTask, time: TimeText): string {
  const { createdAt, endedAt, mayStillChangeUntil, abort } = task;
  const took = createdAt && endedAt && `after ${spanWords(endedAt.getTime() - createdAt.getTime())}`;
  const outcome = outcomeName(task);
  const ended = isAbortTask(task) && outcome !== '' ? outcome : stateName(task);
  return line(
    `${title(task)} ${ended}${took ? ` ${took}` : ''}`,
    ended !== outcome && outcome,
    abort?.outcome === AbortOutcome.NOTHING_TO_ABORT && 'nothing happened',
    abort?.reason || task.message,
    observed(abort?.observed || task.observedPowerState),
    mayStillChangeUntil && `the node may still change until ${time(mayStillChangeUntil)}`,
  );
}

/** The outcomes of an abort that are not what was asked, with the error of each. */
const ABORT_FAILURES: Partial<Record<AbortOutcome, readonly [code: ErrorCode, meaning: string]>> = {
  [AbortOutcome.FAILED]: ['RECALL_FAILED', 'the abort failed'],
  [AbortOutcome.STOPPED_WAITING]: ['ABORT_STOPPED_WAITING', 'the order was sent and may still take effect'],
  [AbortOutcome.TOO_LATE]: ['ABORT_TOO_LATE', 'the abort came too late'],
  [AbortOutcome.NOTHING_TO_ABORT]: ['NOTHING_TO_ABORT', 'there was nothing to abort'],
};

/** The error that a task at rest ends its command with; null if it did what was asked. */
export function taskFailure(task: PowerTask): CountermandError | null {
  const state = stateName(task);
  const sentence = oneLine(task.errorMessage || task.abort?.reason || task.message) || `${title(task)} ended ${state}`;
  const [abortCode, meaning] = (isAbortTask(task) && task.abort && ABORT_FAILURES[task.abort.outcome]) || [];
  if (abortCode !== undefined) return fail(abortCode, oneLine(`${task.nodeName}: ${meaning}: ${sentence}`));
  if (state === 'ABORTED') return fail('TASK_ABORTED', `${task.nodeName}: ${sentence}`);
  if (state !== 'FAILED') return null;
  const code = isErrorCode(task.errorCode) ? task.errorCode : 'INTERNAL';
  return failWith(code, sentence, { resource: { type: 'node', name: task.nodeName } });
}

/**
 * Commands that take the task back, to be pasted. `command` is their beginning. Empty if nothing can: it was sent and
 * is irrevocable, or it is at rest.
 */
export function commandsToTakeBack(task: PowerTask, command: string): string[] {
  const takesBack = task.possibleOrders.filter(({ stopWaiting }) => !stopWaiting);
  return possibleCommands(takesBack).map((words) => `${command} ${words}`);
}

/** Power tasks in tables. */
import type { PowerTask } from '../../gen/countermand/v1/power.ts';
import { OnTimeout, PowerState, PowerTaskPhase } from '../../gen/countermand/v1/power.ts';
import { byWords } from '../shared/actors.ts';
import { possibleCommands } from '../shared/possible.ts';
import { facts } from '../shared/table.ts';
import { outcomeName, stateName } from '../shared/task_lines.ts';
import type { TimeText } from '../shared/times.ts';
import { enumName, powerStateWord, problemSentence, recallWords, targetWord } from '../shared/words.ts';

const state = (value: PowerState | undefined): string =>
  value === undefined || value === PowerState.UNSPECIFIED ? '' : powerStateWord(value);

/** The phases that are worth telling. */
const HALVES: readonly PowerTaskPhase[] = [PowerTaskPhase.DOWN, PowerTaskPhase.FORCED_DOWN, PowerTaskPhase.UP];

/** One power task, all that is known of it. */
export function taskText(task: PowerTask, nowMs: number, time: TimeText): string {
  const { abort } = task;
  return facts([
    ['task', task.uuid],
    ['node', `${task.nodeName} (${task.nodeUuid})`],
    ['target', targetWord(task.target)],
    ['state', stateName(task)],
    ['phase', HALVES.includes(task.phase) ? enumName(PowerTaskPhase, task.phase) : ''],
    ['problem', problemSentence(task.problem, nowMs)],
    ['message', task.message],
    ['error', task.errorCode && `${task.errorCode}: ${task.errorMessage}`],
    ['before', state(task.beforePowerState)],
    ['observed', state(task.observedPowerState)],
    ['recall', recallWords(task.recall)],
    ['timeout', task.timeout > 0 ? `${task.timeout} s, then ${enumName(OnTimeout, task.onTimeout)}` : ''],
    ['ordered', `${time(task.createdAt)}${byWords(task.orderedBy)}`],
    ['reason', task.reason],
    ['request id', task.requestId],
    ['plan', task.planUuid],
    ['action', task.actionUuid],
    ['sending', time(task.sendingAt)],
    ['deadline', time(task.deadlineAt)],
    ['ended', time(task.endedAt)],
    ['aborts task', task.abortsTaskUuid],
    ['abort', outcomeName(task) || (abort ? 'under way' : '')],
    ['abort task', abort?.taskUuid ?? ''],
    ['abort reason', abort?.reason ?? ''],
    ['abort observed', state(abort?.observed)],
    ['may still change', time(task.mayStillChangeUntil)],
    ['possible', possibleCommands(task.possibleOrders).join('; ')],
  ]);
}

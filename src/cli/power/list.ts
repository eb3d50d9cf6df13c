/** The list of power tasks. */
import { PowerTask } from '../../gen/countermand/v1/power.ts';
import { stateMeaning } from '../shared/colours.ts';
import { countStates, type Listing, listText } from '../shared/listing.ts';
import { shortId } from '../shared/short_ids.ts';
import { outcomeName, stateName } from '../shared/task_lines.ts';
import { utcTime } from '../shared/times.ts';
import { ageWords, problemSentence, targetWord } from '../shared/words.ts';

/** What there is to say about a task, in a sentence. */
const messageOf = (task: PowerTask, nowMs: number): string =>
  problemSentence(task.problem, nowMs) || task.errorMessage || task.message || (task.abort?.reason ?? '');

/** The list of power tasks. */
export const TASK_LIST: Listing<PowerTask> = {
  things: 'power tasks',
  type: PowerTask,
  name: ({ uuid }) => uuid,
  summary: (tasks) => countStates(tasks.map(stateName), 'power task'),
  columns: [
    { head: 'TASK', cell: ({ uuid }) => shortId(uuid), narrow: true },
    { head: 'TASK', cell: ({ uuid }) => uuid, wide: true },
    { head: 'NODE', cell: ({ nodeName }) => nodeName },
    { head: 'TARGET', cell: ({ target }) => targetWord(target) },
    { head: 'STATE', cell: stateName, meaning: (task) => stateMeaning(stateName(task)) },
    { head: 'ABORT', cell: outcomeName, spare: 2 },
    {
      head: 'AGE',
      cell: ({ createdAt }, { nowMs }) => ageWords(createdAt, nowMs),
      key: ({ createdAt }) => -(createdAt?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'MESSAGE', cell: (task, { nowMs }) => messageOf(task, nowMs), cuts: true },
    { head: 'ORDERED', cell: ({ createdAt }, { time }) => time(createdAt), wide: true },
    { head: 'ENDED', cell: ({ endedAt }, { time }) => time(endedAt), wide: true },
    { head: 'PLAN', cell: ({ planUuid }) => planUuid, wide: true },
    { head: 'REASON', cell: ({ reason }) => reason, wide: true },
  ],
};

/** Power tasks, one per row. */
export function taskTable(tasks: readonly PowerTask[], nowMs: number): string {
  return listText({ ...TASK_LIST, summary: () => '' }, tasks, {}, { nowMs, time: utcTime });
}

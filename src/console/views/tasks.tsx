/** The orders and aborts that a node has had. */
import { useState } from 'preact/hooks';
import { enumName, powerStateWord, targetWord } from '../../cli/shared/words.ts';
import { AbortOutcome, PowerState, type PowerTask, PowerTaskState } from '../../gen/countermand/v1/power.ts';
import { useAsked, useHouse } from '../context.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { addressOf } from '../place.ts';
import { stateTone, timeWords } from '../words.ts';

interface TasksProps {
  readonly node: string;
  /** The tasks are asked for anew when this changes. */
  readonly changes: number;
}

const PAGE = 20;

/** The tasks, the newest first, a page more each time. */
export function Tasks({ node, changes }: TasksProps) {
  const { conductor } = useHouse();
  const [pageSize, setPageSize] = useState(PAGE);
  const { answer, refused } = useAsked(
    (signal) => conductor.power.listPowerTasks({ node, pageSize }, { signal }),
    `${node} ${pageSize} ${changes}`,
    node,
  );
  const tasks = answer?.tasks ?? [];
  return (
    <section aria-labelledby="history">
      <h2 id="history">Orders and aborts</h2>
      <Refused sentence={refused} />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Order</th>
              <th scope="col">State</th>
              <th scope="col">Abort</th>
              <th scope="col">What was said</th>
            </tr>
          </thead>
          <tbody>
            {tasks.map((task) => (
              <TaskRow key={task.uuid} task={task} />
            ))}
          </tbody>
        </table>
      </div>
      {answer?.nextPageToken && (
        <button type="button" onClick={() => setPageSize(Math.min(1000, pageSize + PAGE))}>
          Show older ones
        </button>
      )}
    </section>
  );
}

function TaskRow({ task }: { readonly task: PowerTask }) {
  const state = enumName(PowerTaskState, task.state);
  const observed = task.observedPowerState === PowerState.UNSPECIFIED ? '' : powerStateWord(task.observedPowerState);
  const said = [task.message, task.errorMessage, observed && `observed ${observed}`, task.reason];
  return (
    <tr>
      <td>{timeWords(task.createdAt)}</td>
      <td>
        {targetWord(task.target)}
        {task.planUuid !== '' && (
          <>
            {' '}
            <a href={addressOf('plans', task.planUuid)}>by a plan</a>
          </>
        )}
      </td>
      <td>
        <State name={state} tone={stateTone(state)} />
      </td>
      <td>
        {task.abort && task.abort.outcome !== AbortOutcome.UNSPECIFIED && enumName(AbortOutcome, task.abort.outcome)}
      </td>
      <td>
        <Said text={[...new Set(said.filter((part) => part !== ''))].join('; ')} />
      </td>
    </tr>
  );
}

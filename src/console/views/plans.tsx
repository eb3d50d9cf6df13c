/** The action plans, the newest first. */
import { useState } from 'preact/hooks';
import { enumName } from '../../cli/shared/words.ts';
import { type ActionPlan, ActionPlanState, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import { useAsked, useHouse } from '../context.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { addressOf } from '../place.ts';
import { counted, stateTone, timeWords } from '../words.ts';

/** Which plans are shown. */
const KINDS: Readonly<Record<string, readonly ActionPlanState[]>> = {
  'All plans': [],
  'Not at rest': [
    ActionPlanState.RECOMMENDED,
    ActionPlanState.PENDING,
    ActionPlanState.ONGOING,
    ActionPlanState.CANCELLING,
  ],
  'Running or being cancelled': [ActionPlanState.ONGOING, ActionPlanState.CANCELLING],
  'Failed or cancelled': [ActionPlanState.FAILED, ActionPlanState.CANCELLED],
};

const PAGE = 50;

/** The page. */
export function Plans() {
  const { conductor } = useHouse();
  const [kind, setKind] = useState('All plans');
  const [pageSize, setPageSize] = useState(PAGE);
  const { answer, refused } = useAsked(
    (signal) => conductor.plans.listActionPlans({ states: [...(KINDS[kind] ?? [])], pageSize }, { signal }),
    `${kind} ${pageSize}`,
    kind,
  );
  return (
    <>
      <h1 tabIndex={-1}>Plans</h1>
      <div class="tools">
        <label>
          Show
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            {Object.keys(KINDS).map((words) => (
              <option key={words}>{words}</option>
            ))}
          </select>
        </label>
      </div>
      <Refused sentence={refused} />
      <PlanTable plans={answer?.actionPlans ?? []} />
      {answer?.actionPlans.length === 0 && <p class="empty">No plan is like this</p>}
      {answer?.nextPageToken && (
        <button type="button" onClick={() => setPageSize(Math.min(1000, pageSize + PAGE))}>
          Show older ones
        </button>
      )}
    </>
  );
}

function PlanTable({ plans }: { readonly plans: readonly ActionPlan[] }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Plan</th>
            <th scope="col">State</th>
            <th scope="col">Actions</th>
            <th scope="col">Made</th>
            <th scope="col">Ended</th>
            <th scope="col">What was said</th>
          </tr>
        </thead>
        <tbody>
          {plans.map((plan) => {
            const state = enumName(ActionPlanState, plan.state);
            return (
              <tr key={plan.uuid}>
                <td>
                  <a href={addressOf('plans', plan.uuid)}>
                    <Said text={plan.name} />
                  </a>
                </td>
                <td>
                  <State name={state} tone={stateTone(state)} />
                </td>
                <td>{countWords(plan)}</td>
                <td>{timeWords(plan.createdAt)}</td>
                <td>{timeWords(plan.endedAt)}</td>
                <td>
                  <Said text={plan.statusMessage} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function countWords({ size, counts }: ActionPlan): string {
  const parts = counts.map(({ state, count }) => `${count.toLocaleString('en')} ${enumName(ActionState, state)}`);
  return parts.length === 0 ? counted(size, 'action') : parts.join(', ');
}

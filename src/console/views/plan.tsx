/** One plan: its picture while it runs, and how to take it back. */
import { useRef, useState } from 'preact/hooks';
import { enumName } from '../../cli/shared/words.ts';
import { systemClock } from '../../core/clock.ts';
import { type Action, type ActionPlan, ActionPlanState, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import type { Actor } from '../../gen/countermand/v1/actor.ts';
import { useAsked, useHouse, useStream } from '../context.ts';
import { Picture } from '../parts/picture.tsx';
import { Refused, Said, State } from '../parts/said.tsx';
import { type Column, VirtualTable } from '../parts/virtual.tsx';
import { addressOf } from '../place.ts';
import { hasEnded, stateTone, timeWords } from '../words.ts';
import { PlanOrders } from './plan_orders.tsx';

/** How long changes are gathered before the plan is drawn anew: a large one takes its time. */
const gatherMs = (actions: number): number => Math.min(2000, 100 + actions / 10);

/** A plan as its stream tells it. */
function useWatchedPlan(uuid: string) {
  const { conductor } = useHouse();
  const actions = useRef(new Map<string, Action>()).current;
  const [shown, setShown] = useState<{ readonly plan: ActionPlan | null; readonly actions: readonly Action[] }>({
    plan: null,
    actions: [],
  });
  const latest = useRef<ActionPlan | null>(null);
  const isGathering = useRef(false);
  const show = (): void => {
    isGathering.current = false;
    setShown({ plan: latest.current, actions: [...actions.values()].sort((one, two) => one.position - two.position) });
  };
  const { refused } = useStream(
    (signal) => conductor.plans.watchActionPlan({ actionPlan: uuid }, { signal }),
    (message) => {
      if (message === null) return actions.clear();
      latest.current = message.actionPlan ?? latest.current;
      for (const action of message.actions) actions.set(action.uuid, action);
      if (isGathering.current) return;
      isGathering.current = true;
      systemClock.after(gatherMs(actions.size), show);
    },
    uuid,
  );
  return { ...shown, refused };
}

/** The page. */
export function Plan({ uuid }: { readonly uuid: string }) {
  const { conductor } = useHouse();
  const { plan: watched, actions, refused } = useWatchedPlan(uuid);
  // What can be ordered depends on more than the plan: on its nodes, on its rollback, on the time.
  const asked = useAsked(
    (signal) => conductor.plans.getActionPlan({ actionPlan: uuid, pageSize: 1 }, { signal }),
    `${uuid} ${watched?.state} ${watched?.revision}`,
    uuid,
  );
  const plan = newer(watched, asked.answer?.actionPlan ?? null);
  const [state, setState] = useState('');
  if (plan === null)
    return (
      <>
        <h1 tabIndex={-1}>Plan</h1>
        <Refused sentence={refused || asked.refused} />
      </>
    );
  const name = enumName(ActionPlanState, plan.state);
  const rows = state === '' ? actions : actions.filter((action) => enumName(ActionState, action.state) === state);
  return (
    <>
      <h1 tabIndex={-1}>
        <Said text={plan.name} />
      </h1>
      <p role="status">
        <State name={name} tone={stateTone(name)} /> <Said text={plan.statusMessage} />
      </p>
      <Refused sentence={refused} />
      <PlanFacts plan={plan} />
      <PlanOrders plan={plan} done={asked.again} />
      <Counts actions={actions} picked={state} pick={setState} />
      <Picture actions={actions} isMoving={!hasEnded(plan.state)} />
      <VirtualTable
        label="Actions"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ uuid: key }) => key}
        empty="No action is like this"
      />
    </>
  );
}

/** The stream is ahead of what was asked for, until it has ended. */
function newer(watched: ActionPlan | null, asked: ActionPlan | null): ActionPlan | null {
  if (watched === null || asked === null) return asked ?? watched;
  return asked.revision >= watched.revision ? asked : { ...watched, possibleOrders: asked.possibleOrders };
}

function PlanFacts({ plan }: { readonly plan: ActionPlan }) {
  const facts: readonly (readonly [term: string, text: string])[] = [
    ['Why', plan.reason],
    ['Made by', actorWords(plan.createdBy)],
    ['Started by', actorWords(plan.startedBy)],
    ['Waits for', plan.approval?.whoMay || plan.waitsFor],
    ['Because', plan.approval?.why ?? ''],
    ['Decided by', actorWords(plan.approval?.decidedBy)],
    ['Made', timeWords(plan.createdAt)],
    ['Started', timeWords(plan.startedAt)],
    ['Ended', timeWords(plan.endedAt)],
    ['Given up at the latest', timeWords(plan.cancelDeadlineAt)],
    ['Can be rolled back until', timeWords(plan.rollbackUntil)],
    ['Error', plan.errorMessage],
    ['Uuid', plan.uuid],
  ];
  const others: readonly (readonly [term: string, uuid: string])[] = [
    ['Undoes the plan', plan.rollbackOf],
    ['Undone by the plan', plan.rolledBackBy],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, text]) => text !== '')
        .map(([term, text]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              <Said text={text} />
            </dd>
          </div>
        ))}
      {others
        .filter(([, uuid]) => uuid !== '')
        .map(([term, uuid]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              <a href={addressOf('plans', uuid)}>{uuid}</a>
            </dd>
          </div>
        ))}
    </dl>
  );
}

const actorWords = (actor: Actor | undefined): string =>
  actor === undefined ? '' : `${actor.identity}${actor.onBehalfOf && ` for ${actor.onBehalfOf}`}`;

interface CountsProps {
  readonly actions: readonly Action[];
  readonly picked: string;
  pick(state: string): void;
}

/** How many actions are in which state; each shows those alone. */
function Counts({ actions, picked, pick }: CountsProps) {
  const counts = new Map<string, number>();
  for (const { state } of actions) {
    const name = enumName(ActionState, state);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return (
    <ul class="counts" aria-label="Counts of actions">
      {[...counts].map(([name, count]) => (
        <li key={name}>
          <button type="button" aria-pressed={picked === name} onClick={() => pick(picked === name ? '' : name)}>
            <strong>{count.toLocaleString('en')}</strong> <State name={name} tone={stateTone(name)} />
          </button>
        </li>
      ))}
    </ul>
  );
}

const resourceOf = ({ inputParameters }: Action): string => String(inputParameters?.resource_id ?? '');

const COLUMNS: readonly Column<Action>[] = [
  { key: 'name', width: 'minmax(8rem, 1fr)', title: 'Action', cell: ({ name }) => <Said text={name} /> },
  {
    key: 'type',
    width: 'minmax(10rem, 1fr)',
    title: 'Type',
    cell: ({ actionType, inputParameters }) => (
      <Said text={[actionType, inputParameters?.state].filter((part) => part !== undefined).join(': ')} />
    ),
  },
  {
    key: 'node',
    width: 'minmax(6rem, 1fr)',
    title: 'Node',
    cell: (action) =>
      action.nodeUuid !== '' && (
        <a href={addressOf('nodes', action.nodeUuid)}>
          <Said text={resourceOf(action) || action.nodeUuid} />
        </a>
      ),
  },
  {
    key: 'state',
    width: '8rem',
    title: 'State',
    cell: ({ state }) => {
      const name = enumName(ActionState, state);
      return <State name={name} tone={stateTone(name)} />;
    },
  },
  {
    key: 'said',
    width: 'minmax(10rem, 3fr)',
    title: 'What was said',
    cell: ({ statusMessage, errorMessage }) => <Said text={statusMessage || errorMessage} />,
  },
];

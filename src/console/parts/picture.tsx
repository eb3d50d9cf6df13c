/** The picture of a plan: its graph, or where that would be too large to see, how far each step of the way is. */
import { useMemo } from 'preact/hooks';
import { enumName } from '../../cli/shared/words.ts';
import { type Action, ActionState } from '../../gen/countermand/v1/action_plan.ts';
import { type Box, columnsOf, graphOf } from '../graph.ts';
import { counted, stateTone } from '../words.ts';

/** The most actions that are drawn one by one. */
const DRAWN = 250;
const WIDTH = 150;
const HEIGHT = 34;
const GAP_X = 50;
const GAP_Y = 10;
const MARGIN = 6;

interface PictureProps {
  readonly actions: readonly Action[];
  /** The plan has not ended. */
  readonly isMoving: boolean;
}

/** The picture. The table of actions below it says the same in words. */
export function Picture({ actions, isMoving }: PictureProps) {
  if (actions.length === 0) return null;
  return actions.length > DRAWN ? <Steps actions={actions} /> : <Graph actions={actions} isMoving={isMoving} />;
}

const left = ({ column }: Box<Action>): number => MARGIN + column * (WIDTH + GAP_X);
const top = ({ row }: Box<Action>): number => MARGIN + row * (HEIGHT + GAP_Y);

function Graph({ actions, isMoving }: PictureProps) {
  const graph = useMemo(() => graphOf(actions), [actions]);
  const width = 2 * MARGIN + graph.columns * (WIDTH + GAP_X) - GAP_X;
  const height = 2 * MARGIN + graph.rows * (HEIGHT + GAP_Y) - GAP_Y;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="scroll picture" tabIndex={0} aria-label="Graph of the plan">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${counted(actions.length, 'action')} in ${counted(graph.columns, 'step')}; the table below has each of them`}
        class={isMoving ? 'moving' : ''}
      >
        {graph.edges.map(([from, to]) => (
          <path key={`${from.action.uuid} ${to.action.uuid}`} class="edge" d={edgeOf(from, to)} />
        ))}
        {graph.boxes.map((box) => (
          <ActionBox key={box.action.uuid} box={box} />
        ))}
      </svg>
    </section>
  );
}

function edgeOf(from: Box<Action>, to: Box<Action>): string {
  const [x1, y1] = [left(from) + WIDTH, top(from) + HEIGHT / 2];
  const [x2, y2] = [left(to), top(to) + HEIGHT / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1} C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

function ActionBox({ box }: { readonly box: Box<Action> }) {
  const { name, state, statusMessage } = box.action;
  const stateName = enumName(ActionState, state);
  return (
    <g class={`box ${stateTone(stateName)}`} transform={`translate(${left(box)} ${top(box)})`} data-state={stateName}>
      <title>{[name, stateName, statusMessage].join(': ')}</title>
      <rect width={WIDTH} height={HEIGHT} rx="5" />
      <text x="8" y="14">
        {name.length > 21 ? `${name.slice(0, 20)}…` : name}
      </text>
      <text x="8" y="27" class="small">
        {stateName}
      </text>
    </g>
  );
}

/** A bar for each step of the way, with a part for each state. */
function Steps({ actions }: { readonly actions: readonly Action[] }) {
  const columns = useMemo(() => columnsOf(actions), [actions]);
  return (
    <ol class="steps" aria-label="Steps of the plan">
      {columns.map((column, at) => {
        const counts = new Map<string, number>();
        for (const { state } of column) {
          const name = enumName(ActionState, state);
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
        const words = [...counts].map(([name, count]) => `${count.toLocaleString('en')} ${name}`).join(', ');
        return (
          // A step has no other name than its number.
          <li key={at}>
            <span>{words}</span>
            <div class="bar" aria-hidden="true">
              {[...counts].map(([name, count]) => (
                <div key={name} class={`part ${stateTone(name)}`} style={{ flexGrow: count }} />
              ))}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** docs/states.md, from the state tables. */
import {
  ABORT_OUTCOMES,
  type AbortOutcome,
  OUTCOMES_IN_DOUBT,
  OUTCOMES_THAT_MAY_CHANGE,
  POWER_TASK_REST,
  POWER_TASK_STATES,
  POWER_TASK_TABLE,
} from '../../src/core/states.ts';
import { block, code, markdownTable, page } from './markdown.ts';

/** The rows as arrows. Tasks of abort targets have a life of their own, and a diagram of their own. */
function diagram(isAbortTask: boolean): string {
  const rows = POWER_TASK_TABLE.filter(({ event }) => event.startsWith('recall') === isAbortTask);
  const arrows = rows.flatMap(({ event, from, to }) =>
    (from.length === 0 ? ['[*]'] : from).map((state) => `  ${state} --> ${to}: ${event}`),
  );
  const ends = POWER_TASK_REST.filter((state) => rows.some(({ to }) => to === state));
  return block(['stateDiagram-v2', ...arrows, ...ends.map((state) => `  ${state} --> [*]`)].join('\n'), 'mermaid');
}

function transitions(): string {
  const rows = POWER_TASK_TABLE.map(({ event, from, to, notifies, meaning }) => [
    code(event),
    from.join(', ') || '(new)',
    to,
    notifies.map(code).join(', '),
    meaning,
  ]);
  return markdownTable(['event', 'from', 'to', 'notifications', 'meaning'], rows);
}

function outcomes(): string {
  const rows = Object.entries(ABORT_OUTCOMES).map(([outcome, meaning]) => [
    outcome,
    meaning,
    OUTCOMES_IN_DOUBT.includes(outcome as AbortOutcome) ? 'yes' : '',
    OUTCOMES_THAT_MAY_CHANGE.includes(outcome as AbortOutcome) ? 'yes' : '',
  ]);
  return markdownTable(['outcome', 'meaning', 'node shows `error`', 'node may still change'], rows);
}

/** The page. */
export function printStates(): string {
  const states = Object.entries(POWER_TASK_STATES).map(([state, meaning]) => [state, meaning]);
  return page('States', 'src/core/states.ts', [
    '## Power task',
    markdownTable(['state', 'meaning'], states),
    'An order:',
    diagram(false),
    'The power task of an abort target, which lives beside the one that it aborts:',
    diagram(true),
    'Each change is written in one transaction with its notifications:',
    transitions(),
    '## Outcomes of an abort',
    outcomes(),
    '`error` stands until the next good reading of the hardware.',
  ]);
}

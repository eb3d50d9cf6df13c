/** docs/states.md, from the state tables. */
import {
  ABORT_OUTCOMES,
  type AbortOutcome,
  ACTION_PLAN_STATES,
  ACTION_PLAN_TABLE,
  ACTION_STATES,
  ACTION_TABLE,
  AUDIT_STATES,
  AUDIT_TABLE,
  OUTCOMES_IN_DOUBT,
  OUTCOMES_THAT_MAY_CHANGE,
  POWER_TASK_STATES,
  POWER_TASK_TABLE,
  type TransitionRow,
} from '../../src/core/states.ts';
import { block, code, markdownTable, page } from './markdown.ts';

type Rows = readonly TransitionRow<string, string>[];

/** Rows as arrows. */
function diagram(rows: Rows): string {
  const arrows = rows.flatMap(({ event, from, to }) =>
    (from.length === 0 ? ['[*]'] : from).map((state) => `  ${state} --> ${to}: ${event}`),
  );
  const left = new Set(rows.flatMap(({ from }) => from));
  const ends = [...new Set(rows.map(({ to }) => to))].filter((state) => !left.has(state));
  return block(['stateDiagram-v2', ...arrows, ...ends.map((state) => `  ${state} --> [*]`)].join('\n'), 'mermaid');
}

function meanings(states: Readonly<Record<string, string>>): string {
  return markdownTable(['state', 'meaning'], Object.entries(states));
}

function transitions(table: Rows): string {
  const rows = table.map(({ event, from, to, notifies, meaning }) => [
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

/** The section of one thing that has a life. */
function section(title: string, states: Readonly<Record<string, string>>, table: Rows): string[] {
  return [`## ${title}`, meanings(states), diagram(table), transitions(table)];
}

/** Tasks of abort targets have a life of their own, and a diagram of their own. */
function powerTask(): string[] {
  const ofAborts = ({ event }: { event: string }): boolean => event.endsWith('_abort');
  return [
    '## Power task',
    meanings(POWER_TASK_STATES),
    'An order:',
    diagram(POWER_TASK_TABLE.filter((row) => !ofAborts(row))),
    'The power task of an abort target, which lives beside the one that it aborts:',
    diagram(POWER_TASK_TABLE.filter(ofAborts)),
    transitions(POWER_TASK_TABLE),
  ];
}

/** The page. */
export function printStates(): string {
  return page('States', 'src/core/states.ts', [
    'Each change is written in one transaction with its notifications. A notification carries the state after the change; one marked `(before)` carries the state before it.',
    ...section('Action plan', ACTION_PLAN_STATES, ACTION_PLAN_TABLE),
    ...section('Action', ACTION_STATES, ACTION_TABLE),
    ...section('Audit', AUDIT_STATES, AUDIT_TABLE),
    ...powerTask(),
    '## Outcomes of an abort',
    outcomes(),
    '`error` stands until the next good reading of the hardware.',
  ]);
}

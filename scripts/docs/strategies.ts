/** docs/strategies.md, from the list of strategies. */

import { parametersSpec, type Strategy } from '../../src/server/plans/strategies/strategy.ts';
import { STRATEGIES } from '../../src/server/plans/strategies.ts';
import { block, code, markdownTable, page } from './markdown.ts';
import { parameterTable } from './parameters.ts';

function indicatorTable({ goal }: Strategy): string[] {
  if (goal.indicators.length === 0) return [];
  const rows = goal.indicators.map(({ name, description, unit }) => [code(name), description, unit ?? '']);
  return ['What its plans are measured by:', markdownTable(['indicator', 'meaning', 'unit'], rows)];
}

const ACTS = ' It acts on the nodes of the scope: the audit names them, or says `all: true`.';

function chapter(strategy: Strategy): string[] {
  return [
    `## ${strategy.name}`,
    `It ${strategy.meaning}. Its goal is ${code(strategy.goal.name)}.${strategy.actsOnScope ? ACTS : ''}`,
    parameterTable(parametersSpec(strategy)),
    ...indicatorTable(strategy),
  ];
}

const EXAMPLE = `name: rack 7 saves energy
strategy: saving_energy
parameters: {reserve: 2}
scope: [{baremetal: [{labels: {rack: "7"}}]}]
audit_type: CONTINUOUS
interval: 600`;

/** The page. */
export function printStrategies(): string {
  return page('Strategies', 'src/server/plans/strategies', [
    'An audit lets a strategy look at the nodes of its [scope](scope.md) and propose a plan. It names a strategy, or a ' +
      'goal that has only one. `parameters` are checked when the audit is made.',
    block(EXAMPLE, 'yaml'),
    'The plan waits to be started, or with `auto_trigger` starts at once, behind those that run or wait on the same ' +
      'nodes. A strategy that finds nothing to do makes no plan; the audit says so. A CONTINUOUS audit runs when it is ' +
      'made and then once in each `interval`. Each run supersedes the plan of an earlier one that was not started, and ' +
      'with `auto_trigger` one that still waits for its turn. A run that cannot make a plan, because a node of the scope ' +
      'was deleted for example, says so in `status_message`, and the next one tries again.',
    'What a plan is good for stands in its `global_efficacy`, in the indicators of the goal.',
    ...STRATEGIES.flatMap(chapter),
  ]);
}

/** What an order would do, in lines: what --dry-run prints. */
import { nodesInWords } from '../../core/folded_names.ts';
import {
  ActionPlanState,
  type OrderEffect,
  type PlanMet,
  type TakesDown,
} from '../../gen/countermand/v1/action_plan.ts';
import { enumName, spanWords } from './words.ts';

/** How many running nodes an order takes down, and the first of them, in words. */
export function takesDownWords(takesDown: TakesDown | undefined): string {
  const { count = 0, nodes = [], hard = 0 } = takesDown ?? {};
  if (count === 0) return 'it takes no running node down';
  const names = nodesInWords(nodes, count);
  const recall =
    hard > 0 ? `, ${hard === count ? '' : `${hard} of them `}by orders that cannot be taken back once sent` : '';
  return `it takes ${count} running ${count === 1 ? 'node' : 'nodes'} down (${names})${recall}`;
}

/** What is said of the plans in the way: how the order would be given. */
type Manner = 'start' | 'queue' | 'order';

const IN_THE_WAY: Readonly<Record<Manner, string>> = {
  start: 'in the way, so that the start would be refused without --queue',
  queue: 'before it, so that it would wait',
  order: 'about its nodes as well',
};

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/**
 * What an order would do: which nodes, how many run, what goes down, what can be taken back, how long it may take, and which plans it
 * meets. Nothing is said of what there is none of, but for nodes that run.
 */
export function effectText(effect: OrderEffect, takesDown: TakesDown | undefined, manner: Manner): string {
  const { nodes, nodeNames, running, held, longestTimeout, inTheWay, supersedes } = effect;
  const lines = [
    nodes === 0
      ? 'it affects no node'
      : `it affects ${counted(nodes, 'node')} (${nodesInWords(nodeNames, nodes)}), ${running} of them running`,
    ...(nodes === 0 ? [] : [takesDownWords(takesDown)]),
    ...recallLines(effect),
    ...(longestTimeout > 0 ? [`the longest timeout of an order is ${spanWords(1000 * longestTimeout)}`] : []),
    ...(held > 0 ? [`${counted(held, 'node')} ${held === 1 ? 'is' : 'are'} held by a power task now`] : []),
    ...inTheWay.map((plan) => `${IN_THE_WAY[manner]}: ${planWords(plan)}`),
    ...supersedes.map((plan) => `would be superseded: ${planWords(plan)}`),
  ];
  return lines.join('\n');
}

function recallLines({ recalledByHardware, stopWaitingOnly, irrevocableOnceSent }: OrderEffect): string[] {
  const told: readonly (readonly [count: number, words: string])[] = [
    [recalledByHardware, 'can be taken back by the hardware while the host still runs'],
    [stopWaitingOnly, 'can only be given up: an abort ends the waiting, and the node may still change'],
    [irrevocableOnceSent, 'cannot be taken back once sent'],
  ];
  return told.filter(([count]) => count > 0).map(([count, words]) => `${counted(count, 'order')} ${words}`);
}

const planWords = ({ name, uuid, state }: PlanMet): string =>
  `plan '${name}' (${uuid}) ${enumName(ActionPlanState, state)}`;

/** The last line of each dry run. */
export const NOTHING_WRITTEN = 'nothing was written';

/** `countermand node list`. */
import type { Command } from 'commander';
import { Node } from '../../gen/countermand/v1/node.ts';
import { PowerState } from '../../gen/countermand/v1/power.ts';
import { asking, type Call } from '../shared/asking.ts';
import type { Meaning } from '../shared/colours.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { addSelectors, type SelectorFlags, selectNodes, WHICH_NODES } from '../shared/selection.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ageWords, isUnreadable, powerStateWord, problemWords, targetWord } from '../shared/words.ts';
import { pairs, powerCell } from './text.ts';

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [PowerState.ON]: 'good',
  [PowerState.OFF]: 'quiet',
  [PowerState.ERROR]: 'bad',
};

const powerMeaning = (node: Node): Meaning | undefined =>
  isUnreadable(node.problem) || node.mayStillChangeUntil ? 'doubtful' : MEANINGS[node.powerState];

const readAtMs = ({ powerStateReadAt }: Node): number => powerStateReadAt?.getTime() ?? 0;

/** `on`, `off`, `error` or `unknown`; of a node that cannot be read, why. */
function briefly(node: Node): string {
  if (isUnreadable(node.problem)) return `cannot be read (${node.problem?.code})`;
  return powerStateWord(node.powerState).replace('power ', '');
}

/** How many nodes are in each state, and how many take no orders: `260 nodes: 212 on, 41 off, 7 cannot be read; 20 frozen`. */
function summary(nodes: readonly Node[]): string {
  const states = ['on', 'off', 'error', 'unknown', 'cannot be read'];
  const counts = Map.groupBy(nodes, (node) => (isUnreadable(node.problem) ? 'cannot be read' : briefly(node)));
  const told = states.flatMap((state) => (counts.has(state) ? [`${counts.get(state)?.length} ${state}`] : []));
  const frozen = nodes.filter((node) => node.frozen !== '').length;
  const words = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}: ${told.join(', ')}`;
  return frozen === 0 ? words : `${words}; ${frozen} frozen`;
}

/** Where the BMC is, as the keys of every driver say it: `ipmi_address`, `redfish_address`. */
function bmcCell({ driver, driverInfo }: Node): string {
  const port = driverInfo[`${driver}_port`];
  return `${driverInfo[`${driver}_address`] ?? ''}${port === undefined ? '' : `:${port}`}`;
}

/** The list of nodes. */
export const NODE_LIST: Listing<Node> = {
  things: 'nodes',
  type: Node,
  name: ({ name }) => name,
  summary,
  folds: briefly,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'POWER', cell: (node, { nowMs }) => powerCell(node, nowMs), meaning: powerMeaning, cuts: true },
    { head: 'TARGET', cell: ({ targetPowerState }) => targetWord(targetPowerState), spare: 2 },
    { head: 'HELD BY', cell: ({ heldBy }) => shortId(heldBy), narrow: true, spare: 3 },
    { head: 'HELD BY', cell: ({ heldBy }) => heldBy, wide: true },
    { head: 'MAINTENANCE', cell: ({ maintenance }) => (maintenance ? 'on' : ''), meaning: () => 'doubtful', spare: 4 },
    { head: 'ZONE', cell: ({ zone }) => zone, spare: 6 },
    { head: 'DRIVER', cell: ({ driver }) => driver, spare: 5 },
    { head: 'READ', cell: (node, { nowMs }) => ageWords(node.powerStateReadAt, nowMs), key: readAtMs, spare: 1 },
    {
      head: 'PROBLEM',
      cell: ({ problem }, { nowMs }) => problemWords(problem, nowMs),
      meaning: () => 'bad',
      cuts: true,
    },
    { head: 'FROZEN', cell: ({ frozen }) => frozen, wide: true },
    { head: 'BMC', cell: bmcCell, wide: true },
    { head: 'LABELS', cell: ({ labels }) => pairs(labels), wide: true },
    { head: 'UUID', cell: ({ uuid }) => uuid, wide: true },
    {
      head: 'CREATED',
      cell: ({ createdAt }, { time }) => time(createdAt),
      key: ({ createdAt }) => createdAt?.getTime() ?? 0,
      wide: true,
    },
  ],
};

async function list(words: readonly string[], options: ListFlags & SelectorFlags, call: Call): Promise<void> {
  await showList(NODE_LIST, () => selectNodes(words, options, call), options, call);
}

/** Adds `node list`. */
export function addList(group: Command, terminal: Terminal): void {
  const command = group
    .command('list')
    .description('list the nodes by name, and count them by their state')
    .argument('[nodes...]', `${WHICH_NODES}; every node if left out`);
  addListFlags(addSelectors(command, { everyNode: true }), NODE_LIST).action(asking(list, terminal));
}

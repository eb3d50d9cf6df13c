/** `countermand node show|supported|refresh|watch|why`: what is known of nodes. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { expandRanges } from '../../core/ranges.ts';
import {
  ExplainNodeResponse,
  GetSupportedPowerStatesResponse,
  Node,
  RefreshNodesResponse,
  WatchNodesResponse,
} from '../../gen/countermand/v1/node.ts';
import { PowerState } from '../../gen/countermand/v1/power.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import {
  addSelectors,
  chooses,
  rangesIn,
  type SelectorFlags,
  select,
  selectedNodes,
  WHICH_NODES,
} from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import { explanationText, nodeText, refreshedLine, supportedText, WHICH_NODE, watchedLine } from './text.ts';

/** The name, if just one node is named, and no flag chooses. */
function oneName(words: readonly string[], flags: SelectorFlags): string | null {
  if (words.length === 0 || flags.all || chooses(flags)) return null;
  const [only = '', ...others] = expandRanges(rangesIn(words));
  return others.length === 0 ? only : null;
}

/** Shows all that is known of nodes, each asked for once. @throws as `selectedNodes`, and what the conductor refuses */
export async function showNodes(words: readonly string[], flags: SelectorFlags, call: Call): Promise<void> {
  const { conductor, output, clock } = call;
  const only = oneName(words, flags);
  const nodes =
    only === null
      ? await selectedNodes(words, flags, call)
      : [present((await conductor.nodes.getNode({ node: only })).node, 'a node')];
  output.messages(Node, nodes, () => nodes.map((node) => nodeText(node, clock.now(), output.time)).join('\n\n'));
}

/** Adds `node show`. */
export function addShow(group: Command, terminal: Terminal): void {
  const command = group
    .command('show')
    .description('show all that is known of nodes; secrets are masked')
    .argument('[nodes...]', WHICH_NODES);
  addSelectors(command).action(asking(showNodes, terminal));
}

async function supported(node: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.nodes.getSupportedPowerStates({ node });
  output.message(GetSupportedPowerStatesResponse, answer, () => supportedText(answer, output.time));
}

/** Adds `node supported`. */
export function addSupported(group: Command, terminal: Terminal): void {
  group
    .command('supported')
    .description('list the targets that a node supports, and how far each can be taken back')
    .argument('<node>', WHICH_NODE)
    .action(asking(supported, terminal));
}

async function refresh(words: readonly string[], flags: SelectorFlags, call: Call): Promise<void> {
  const { conductor, output, command } = call;
  const { ranges } = await select(words, flags, call);
  let read = 0;
  const unread: string[] = [];
  for await (const answer of conductor.nodes.refreshNodes({ nodes: [...ranges] })) {
    output.message(RefreshNodesResponse, answer, (one) => refreshedLine(one, command));
    if (answer.observed === PowerState.UNSPECIFIED) unread.push(answer.node?.name ?? 'a node');
    else read += 1;
  }
  output.say(`${read} read, ${unread.length} not read`);
  if (unread.length > 0) throw fail('NODES_NOT_READ', `not read: ${unread.join(', ')}; the lines above say why`);
}

/** Adds `node refresh`. */
export function addRefresh(group: Command, terminal: Terminal): void {
  const command = group
    .command('refresh')
    .description('read the power state of nodes from the hardware now')
    .argument('[nodes...]', WHICH_NODES);
  addSelectors(command).action(asking(refresh, terminal));
}

async function watch(words: readonly string[], flags: SelectorFlags, call: Call): Promise<void> {
  const { conductor, output, clock } = call;
  // Every node is also each that is enrolled later; the conductor knows it by no name.
  const nodes = flags.all && words.length === 0 && !chooses(flags) ? [] : (await select(words, flags, call)).ranges;
  let last = new Map<string, string>();
  call.watchReader();
  for await (const answer of conductor.nodes.watchNodes({ nodes: [...nodes] })) {
    const { uuid, name } = present(answer.node, 'a node');
    const line = watchedLine(answer, clock.now());
    if (output.json || last.get(uuid) !== line) output.message(WatchNodesResponse, answer, () => `${name}: ${line}`);
    last = answer.deleted ? new Map([...last].filter(([key]) => key !== uuid)) : last.set(uuid, line);
  }
}

/** Adds `node watch`. */
export function addWatch(group: Command, terminal: Terminal): void {
  const command = group
    .command('watch')
    .description('print nodes as they are now, then a line for each change; flags choose the nodes once, at the start')
    .argument('[nodes...]', WHICH_NODES);
  addSelectors(command).action(asking(watch, terminal));
}

async function why(node: string, _options: object, { conductor, output, clock, command }: Call): Promise<void> {
  const answer = await conductor.nodes.explainNode({ node });
  output.message(ExplainNodeResponse, answer, () => explanationText(answer, clock.now(), command));
}

/** Adds `node why`. */
export function addWhy(group: Command, terminal: Terminal): void {
  group
    .command('why')
    .description('say why a node is as it is: who holds it, what may still happen, what is possible now')
    .argument('<node>', WHICH_NODE)
    .action(asking(why, terminal));
}

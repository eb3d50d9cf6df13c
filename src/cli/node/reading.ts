/** `countermand node show|supported|refresh|why`: what is known of nodes. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import {
  ExplainNodeResponse,
  GetSupportedPowerStatesResponse,
  Node,
  RefreshNodesResponse,
} from '../../gen/countermand/v1/node.ts';
import { PowerState } from '../../gen/countermand/v1/power.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { explanationText, nodeText, refreshedLine, supportedText, WHICH_NODE } from './text.ts';

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const { node } = await conductor.nodes.getNode({ node: name });
  output.message(Node, present(node, 'a node'), (found) => nodeText(found, clock.now(), output.time));
}

/** Adds `node show`. */
export function addShow(group: Command, terminal: Terminal): void {
  group
    .command('show')
    .description('show all that is known of a node; secrets are masked')
    .argument('<node>', WHICH_NODE)
    .action(asking(show, terminal));
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

async function refresh(
  nodes: readonly string[],
  _options: object,
  { conductor, output, command }: Call,
): Promise<void> {
  let read = 0;
  const unread: string[] = [];
  for await (const answer of conductor.nodes.refreshNodes({ nodes: [...nodes] })) {
    output.message(RefreshNodesResponse, answer, (one) => refreshedLine(one, command));
    if (answer.observed === PowerState.UNSPECIFIED) unread.push(answer.node?.name ?? 'a node');
    else read += 1;
  }
  output.say(`${read} read, ${unread.length} not read`);
  if (unread.length > 0) throw fail('NODES_NOT_READ', `not read: ${unread.join(', ')}; the lines above say why`);
}

/** Adds `node refresh`. */
export function addRefresh(group: Command, terminal: Terminal): void {
  group
    .command('refresh')
    .description('read the power state of nodes from the hardware now')
    .argument('<nodes...>', "names, uuids or ranges such as 'r7n[1-16]'")
    .action(asking(refresh, terminal));
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

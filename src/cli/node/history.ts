/** `countermand node history`: what happened to a node, also to one that was deleted since. */
import type { Command } from 'commander';
import { asCountermandError, failWith } from '../../core/errors.ts';
import { isOfNode, type Wanted } from '../events/payload.ts';
import { printEvents } from '../events/printing.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { readCount, readSeconds } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';

interface HistoryOptions {
  readonly since?: string;
  readonly tail?: string;
  readonly follow?: boolean;
}

async function history(name: string, { since, tail, follow = false }: HistoryOptions, call: Call): Promise<void> {
  const sinceS = readSeconds(since, '--since');
  const node = await findNode(name, call);
  const count = await printEvents(
    {
      from: undefined,
      sinceS,
      tail: readCount(tail, 1, '--tail'),
      eventTypes: undefined,
      databaseId: undefined,
      follow,
      isWanted: (event) => isOfNode(event, node.wanted),
    },
    call,
  );
  if (count > 0) return;
  if (node.exists || sinceS !== undefined) return call.output.say('no events');
  throw failWith('NODE_NOT_FOUND', `there is no node '${name}', and no event tells of one`, {
    resource: { type: 'node', name },
  });
}

/** A node that was deleted has left its events, under its name and its uuid. */
async function findNode(name: string, { conductor }: Call): Promise<{ wanted: Wanted; exists: boolean }> {
  try {
    return { wanted: present((await conductor.nodes.getNode({ node: name })).node, 'a node'), exists: true };
  } catch (thrown) {
    if (asCountermandError(thrown).code !== 'NODE_NOT_FOUND') throw thrown;
    return { wanted: { uuid: name, name }, exists: false };
  }
}

/** Adds `node history`. */
export function addHistory(group: Command, terminal: Terminal): void {
  group
    .command('history')
    .description('print what happened to a node, the oldest first: orders, readings, changes; also of a deleted node')
    .argument('<node>', 'name or uuid of the node; it may have been deleted')
    .option('--since <time>', 'begin this long ago, such as 90s, 10m or 2h')
    .option('--tail <n>', 'only the last n events')
    .option('--follow', 'go on with later events')
    .action(asking(history, terminal));
}

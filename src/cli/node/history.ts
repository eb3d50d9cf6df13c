/** `countermand node history`: what happened to a node, also to one that was deleted since. */
import type { Command } from 'commander';
import { printEventsOfNode } from '../events/of_node.ts';
import { asking, type Call } from '../shared/asking.ts';
import { readCount, readSeconds } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';

interface HistoryOptions {
  readonly since?: string;
  readonly tail?: string;
  readonly follow?: boolean;
}

async function history(name: string, { since, tail, follow = false }: HistoryOptions, call: Call): Promise<void> {
  const count = await printEventsOfNode(
    name,
    {
      from: undefined,
      sinceS: readSeconds(since, '--since'),
      tail: readCount(tail, 1, '--tail'),
      eventTypes: undefined,
      databaseId: undefined,
      follow,
    },
    call,
  );
  if (count === 0) call.output.say('no events');
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

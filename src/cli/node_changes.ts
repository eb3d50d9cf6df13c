/** `countermand node changes`: what has changed in the cluster model, and why plans became stale. */
import type { Command } from 'commander';
import { ModelChange } from '../gen/countermand/v1/node.ts';
import { asking, type Call, everyPage, PAGE_SIZE } from './asking.ts';
import { readCount } from './flags.ts';
import { table } from './output.ts';
import type { Terminal } from './terminal.ts';

async function changes({ from }: { readonly from?: string }, { conductor, output }: Call): Promise<void> {
  const fromRevision = BigInt(readCount(from, 0, '--from') ?? 0);
  const found: ModelChange[] = [];
  const ask = (pageToken: string) => conductor.nodes.listModelChanges({ pageSize: PAGE_SIZE, pageToken, fromRevision });
  for await (const page of everyPage(ask)) found.push(...page.changes);
  output.messages(ModelChange, found, () => changeTable(found));
}

function changeTable(found: readonly ModelChange[]): string {
  if (found.length === 0) return 'nothing has changed';
  const rows = found.map(({ revision, changedAt, nodeName, what, oldValue, newValue, cause }) => [
    String(revision),
    changedAt?.toISOString() ?? '',
    nodeName,
    what,
    oldValue,
    newValue,
    cause,
  ]);
  return table(['REVISION', 'WHEN', 'NODE', 'WHAT', 'WAS', 'IS', 'WHY'], rows);
}

/** Adds `node changes`. */
export function addChanges(group: Command, terminal: Terminal): void {
  group
    .command('changes')
    .description('list what has changed in the cluster model in the last week, the newest first')
    .option('--from <revision>', 'only changes from this revision on, for example that of a plan')
    .action(asking(changes, terminal));
}

/** `countermand node changes`, `node report`: what has changed in the cluster model, and so makes plans stale. */
import type { Command } from 'commander';
import { ReportClusterEventResponse } from '../../gen/countermand/v1/audit.ts';
import { ModelChange } from '../../gen/countermand/v1/node.ts';
import { asking, type Call, everyPage, PAGE_SIZE } from '../shared/asking.ts';
import { readCount, readPairs } from '../shared/flags.ts';
import { table } from '../shared/output.ts';
import type { Terminal } from '../shared/terminal.ts';

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

interface ReportOptions {
  readonly reason?: string;
  readonly payload?: readonly string[];
}

async function report(eventType: string, nodes: readonly string[], options: ReportOptions, call: Call): Promise<void> {
  const { reason = '', payload } = options;
  const event = { eventType, nodes: [...nodes], reason, payload: readPairs(payload, '--payload') };
  const answer = await call.conductor.audits.reportClusterEvent(event);
  call.output.message(
    ReportClusterEventResponse,
    answer,
    () => `noted; the cluster model is at revision ${answer.modelRevision}, and plans about these nodes are stale`,
  );
}

/** Adds `node report`. */
export function addReport(group: Command, terminal: Terminal): void {
  group
    .command('report')
    .description(
      'report that something else changed what runs on nodes: plans about them that have not started are superseded',
    )
    .argument('<event>', 'instance.update, instance.delete.end or service.update')
    .argument('<nodes...>', "names, uuids and ranges of nodes, such as 'r7n[1-16]'")
    .option('--reason <text>', 'why, for those who read the history')
    .option('--payload <key=value...>', 'what else is known, for those who read the history')
    .action(asking(report, terminal));
}

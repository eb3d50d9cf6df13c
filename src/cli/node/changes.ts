/** `countermand node changes`, `node report`: what has changed in the cluster model, and so makes plans stale. */
import type { Command } from 'commander';
import { ReportClusterEventResponse } from '../../gen/countermand/v1/audit.ts';
import { ModelChange } from '../../gen/countermand/v1/node.ts';
import { actorWords } from '../shared/actors.ts';
import { asking, type Call, everyPage, PAGE_SIZE } from '../shared/asking.ts';
import { readCount, readPairs } from '../shared/flags.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { addSelectors, type SelectorFlags, select, WHICH_NODES } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';

const CHANGE_LIST: Listing<ModelChange> = {
  things: 'changes',
  type: ModelChange,
  name: ({ revision }) => String(revision),
  columns: [
    { head: 'REVISION', cell: ({ revision }) => String(revision), key: ({ revision }) => Number(revision) },
    { head: 'WHEN', cell: ({ changedAt }, { time }) => time(changedAt), spare: 1 },
    { head: 'NODE', cell: ({ nodeName }) => nodeName },
    { head: 'WHAT', cell: ({ what }) => what },
    { head: 'WAS', cell: ({ oldValue }) => oldValue, cuts: true },
    { head: 'IS', cell: ({ newValue }) => newValue, cuts: true },
    { head: 'WHY', cell: ({ cause }) => cause, cuts: true },
    { head: 'BY', cell: ({ changedBy }) => actorWords(changedBy), wide: true },
    { head: 'PLAN', cell: ({ actionPlanUuid }) => actionPlanUuid, wide: true },
  ],
};

interface ChangeOptions extends ListFlags {
  readonly from?: string;
}

async function changes(options: ChangeOptions, call: Call): Promise<void> {
  const fromRevision = BigInt(readCount(options.from, 0, '--from') ?? 0);
  const ask = async (): Promise<ModelChange[]> => {
    const found: ModelChange[] = [];
    const page = (pageToken: string) =>
      call.conductor.nodes.listModelChanges({ pageSize: PAGE_SIZE, pageToken, fromRevision });
    for await (const answer of everyPage(page)) found.push(...answer.changes);
    return found;
  };
  await showList(CHANGE_LIST, ask, options, call);
}

/** Adds `node changes`. */
export function addChanges(group: Command, terminal: Terminal): void {
  const command = group
    .command('changes')
    .description(
      'list what has changed about nodes in the last week, the newest first: server, power state, maintenance, zone, labels, driver',
    )
    .option('--from <revision>', 'only changes from this revision on, for example that of a plan');
  addListFlags(command, CHANGE_LIST).action(asking(changes, terminal));
}

interface ReportOptions extends SelectorFlags {
  readonly reason?: string;
  readonly payload?: readonly string[];
  readonly messageId?: string;
  readonly origin?: string;
}

async function report(eventType: string, words: readonly string[], options: ReportOptions, call: Call): Promise<void> {
  const { reason = '', payload, messageId = '', origin = '' } = options;
  const { ranges } = await select(words, options, call);
  const event = { eventType, nodes: [...ranges], reason, messageId, origin, payload: readPairs(payload, '--payload') };
  const answer = await call.conductor.audits.reportClusterEvent(event);
  call.output.message(ReportClusterEventResponse, answer, ({ changed }) =>
    !changed
      ? `message ${messageId} was reported before; nothing was changed`
      : `recorded as revision ${answer.modelRevision} of the cluster model; plans about these nodes that have not started are superseded`,
  );
}

/** Adds `node report`. */
export function addReport(group: Command, terminal: Terminal): void {
  const command = group
    .command('report')
    .description(
      'report that something else changed what runs on nodes: plans about them that have not started are superseded',
    )
    .argument(
      '<event>',
      'what has happened: instance.update, instance.delete.end, service.update, or another event of docs/cluster_events.md',
    )
    .argument('[nodes...]', WHICH_NODES)
    .option('--reason <text>', 'why; recorded in the history')
    .option('--payload <key=value...>', 'more key=value facts for the history')
    .option('--message-id <id>', 'the message that tells of it: reported again within a week, it changes nothing')
    .option(
      '--origin <request-id>',
      'the id of the request that caused it: the plan whose action sent that request is not superseded',
    );
  addSelectors(command).action(asking(report, terminal));
}

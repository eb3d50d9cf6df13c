/** `countermand power ...`: power tasks. */
import type { Command } from 'commander';
import { PowerTask } from '../../gen/countermand/v1/power.ts';
import { asking, type Call, present, upTo } from '../shared/asking.ts';
import { readCount } from '../shared/flags.ts';
import { followTask } from '../shared/following.ts';
import { addListFlags, type ListFlags, showList } from '../shared/listing.ts';
import { endLine } from '../shared/task_lines.ts';
import type { Terminal } from '../shared/terminal.ts';
import { TASK_LIST } from './list.ts';
import { taskText } from './text.ts';

const WHICH_TASK = 'uuid or request id of the power task; the first 8 digits of its uuid are enough';

interface ListOptions extends ListFlags {
  readonly node?: string;
  readonly unsettled?: boolean;
  readonly limit?: string;
}

async function list(options: ListOptions, call: Call): Promise<void> {
  const { node = '', unsettled = false } = options;
  const limit = readCount(options.limit, 1, '--limit');
  const ask = (): Promise<PowerTask[]> =>
    upTo(limit, async (pageToken, pageSize) => {
      const answer = await call.conductor.power.listPowerTasks({ pageSize, pageToken, node, unsettled });
      return { items: answer.tasks, nextPageToken: answer.nextPageToken };
    });
  await showList(TASK_LIST, ask, options, call);
}

async function show(name: string, _options: object, { conductor, output, clock }: Call): Promise<void> {
  const { task } = await conductor.power.getPowerTask({ task: name });
  output.message(PowerTask, present(task, 'a power task'), (found) => taskText(found, clock.now(), output.time));
}

async function watch(task: string, _options: object, call: Call): Promise<void> {
  const stream = call.conductor.power.watchPowerTask({ task });
  await followTask(stream, { name: task, orders: false, wait: true }, call);
}

interface WithdrawOptions {
  readonly reason?: string;
  readonly stopWaiting?: boolean;
}

async function withdraw(name: string, options: WithdrawOptions, { conductor, output }: Call): Promise<void> {
  const { task } = await conductor.power.withdrawPowerTask({
    task: name,
    reason: options.reason ?? '',
    stopWaiting: options.stopWaiting ?? false,
  });
  output.message(PowerTask, present(task, 'a power task'), (ended) => endLine(ended, output.time));
}

const EXAMPLES = `
Examples:
  countermand power list --unsettled
  countermand power watch 6c1f9a52-6a86-4f0e-9d6e-0b1f6f0a7d11`;

/** Adds the commands of the group `power`. */
export function addPowerCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  const command = group
    .command('list')
    .description('list power tasks, the newest first')
    .option('--node <node>', 'only those of this node (name or uuid)')
    .option('--unsettled', 'only those that have not ended')
    .option('--limit <n>', 'only the newest n');
  addListFlags(command, TASK_LIST).action(asking(list, terminal));
  group
    .command('show')
    .description('show all that is known of a power task')
    .argument('<task>', WHICH_TASK)
    .action(asking(show, terminal));
  group
    .command('watch')
    .description('watch a power task until it is at rest; the exit code says how it ended')
    .argument('<task>', WHICH_TASK)
    .action(asking(watch, terminal));
  group
    .command('withdraw')
    .description('take back a power task that is still QUEUED; nothing will be sent')
    .option('--stop-waiting', 'also give up a task that is CONFIRMING; its order was sent and may still take effect')
    .argument('<task>', WHICH_TASK)
    .option('--reason <text>', 'why; recorded with the order')
    .action(asking(withdraw, terminal));
}

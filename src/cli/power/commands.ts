/** `countermand power ...`: power tasks. */
import type { Command } from 'commander';
import { PowerTask } from '../../gen/countermand/v1/power.ts';
import { asking, type Call, everyPage, PAGE_SIZE, present } from '../shared/asking.ts';
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
}

async function list(options: ListOptions, call: Call): Promise<void> {
  const { node = '', unsettled = false } = options;
  const ask = async (): Promise<PowerTask[]> => {
    const tasks: PowerTask[] = [];
    const page = (pageToken: string) =>
      call.conductor.power.listPowerTasks({ pageSize: PAGE_SIZE, pageToken, node, unsettled });
    for await (const answer of everyPage(page)) tasks.push(...answer.tasks);
    return tasks;
  };
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
    .option('--unsettled', 'only those that are not at rest');
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
    .option('--reason <text>', 'why, for those who read it later')
    .action(asking(withdraw, terminal));
}

/** `countermand node power`: one order for one node, watched until it is at rest; for several nodes it is a plan. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { TARGET_TABLE, TARGETS, type Target } from '../../core/power.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import { OnTimeout } from '../../gen/countermand/v1/power.ts';
import { dryRunOption } from '../plan/dry_run.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import {
  confirmAbout,
  holdToNumber,
  mustConfirm,
  orderWords,
  type Yes,
  yesOrNumberOption,
} from '../shared/confirming.ts';
import { warnOfFiles } from '../shared/file_names.ts';
import { readCount, readSeconds } from '../shared/flags.ts';
import { followTask } from '../shared/following.ts';
import { addSelectors, rangesIn, type SelectorFlags, select, WHICH_NODES } from '../shared/selection.ts';
import { readTarget } from '../shared/targets.ts';
import type { Terminal } from '../shared/terminal.ts';
import { targetValue } from '../shared/words.ts';
import { orderMany, takesDownOf, tellOrder, withoutPlan } from './power_many.ts';

interface PowerOptions extends SelectorFlags {
  readonly dryRun?: boolean;
  readonly timeout?: string;
  readonly onTimeout?: 'fail' | 'force';
  readonly reason?: string;
  readonly requestId?: string;
  readonly task?: string;
  readonly maxParallel?: string;
  readonly canary?: string;
  readonly onFailure?: 'stop' | 'continue' | 'rollback';
  readonly queue?: boolean;
  readonly wait: boolean;
  readonly yes?: Yes;
}

const ON_TIMEOUT = { fail: OnTimeout.FAIL, force: OnTimeout.FORCE };

async function power(first: string, others: readonly string[], options: PowerOptions, call: Call): Promise<void> {
  const words = [first, ...others];
  const target = readTarget(words.at(-1) ?? '', words.slice(0, -1));
  const timeout = readSeconds(options.timeout, '--timeout');
  const maxParallel = readCount(options.maxParallel, 1, '--max-parallel');
  const canary = readCount(options.canary, 0, '--canary');
  const named = words.slice(0, -1);
  const { names: nodes, title: range } = await select(named, options, call);
  const [node = range] = nodes;
  const typed = rangesIn(named);
  const asked = { target, forced: options.onTimeout === 'force', typed };
  const { yes, onTimeout, onFailure, requestId, wait, reason = '', queue = false } = options;
  const asks = mustConfirm(asked, call);
  const how = { timeout, onTimeout, reason, requestId, maxParallel, canary, onFailure, queue, wait, asks, yes };
  const order = { nodes, range, typed, target, ...how };
  const told = (thrown: unknown): never => {
    throw withoutPlan(thrown, named, order);
  };
  if (options.dryRun) return tellOrder(order, call).catch(told);
  if (!asks || yes) warnOfFiles(typed, call.output.json, call);
  if (nodes.length === 1) {
    if (typeof yes === 'number') holdToNumber(yes, await takesDownOf(order, call));
    else if (asks && !yes)
      await confirmAbout(orderWords(node, asked, call), yes, () => call.conductor.nodes.getNode({ node }), call);
    return orderOne(node, target, timeout, options, call);
  }
  if (options.task !== undefined) throw fail('ARGUMENT_INVALID', '--task names one power task; name its node alone');
  await orderMany(order, call).catch(told);
}

async function orderOne(
  node: string,
  target: Target,
  timeout: number | undefined,
  options: PowerOptions,
  call: Call,
): Promise<void> {
  const requestId = options.requestId ?? call.chance.uuid();
  const stream = call.conductor.power.setPowerState({
    node,
    target: targetValue(target),
    timeout,
    onTimeout: options.onTimeout ? ON_TIMEOUT[options.onTimeout] : OnTimeout.UNSPECIFIED,
    requestId,
    reason: options.reason ?? '',
    abortsTaskUuid: options.task === undefined ? '' : await uuidOf(options.task, call),
  });
  await followTask(stream, { name: requestId, orders: true, wait: options.wait }, call);
}

/** The uuid of a task that is named as `power show` takes it. @throws POWER_TASK_NOT_FOUND */
async function uuidOf(task: string, { conductor }: Call): Promise<string> {
  if (CANONICAL_UUID.test(task)) return task;
  return present((await conductor.power.getPowerTask({ task })).task, 'a power task').uuid;
}

const targetHelp = (): string => {
  const width = Math.max(...TARGETS.map((target) => TARGET_TABLE[target].word.length));
  const rows = TARGETS.map((target) => `  ${TARGET_TABLE[target].word.padEnd(width)}  ${TARGET_TABLE[target].meaning}`);
  return `\nTargets:\n${rows.join('\n')}`;
};

const SEVERAL = `
Several nodes, as in 'r7n[1-64]': the order becomes an action plan with an action per node, which is started and watched.
Ctrl-C stops the watching and says how to cancel the plan. An abort of several nodes needs no plan: it is given to all of
them side by side. If a plan gave the orders, cancel the plan; 'countermand abort' aborts any order at these nodes.

You are asked before off, reboot, inject_nmi and --on-timeout force, which cannot be taken back once sent. Without a
terminal to ask on, such an order is refused unless --yes is given. If an order, also a soft one, takes more than
confirm_above (20 by default) running nodes down, you are asked too, and a script has to state how many: --yes=N. With any
other number than the right one nothing is done.

Put quotes around a range: the shell may replace an unquoted one by the name of a file. An order that stops a node is
therefore also asked about if the node's name is the name of a file in the current folder.`;

const choice = (flags: string, description: string, words: readonly string[]): Option =>
  new Option(flags, description).choices(words);

/** Adds `node power`. */
export function addPower(group: Command, terminal: Terminal): void {
  const command = group
    .command('power')
    .description('change the power state of nodes, or abort such a change, and watch it until it has ended')
    .usage('[options] [nodes...] <target>')
    .argument('<nodes>', `${WHICH_NODES}; none if flags choose them`)
    .argument(
      '[target...]',
      "the last word: target power state, or the order to abort; Ironic's names are accepted too",
    )
    .option(
      '--timeout <seconds>',
      'how long after the order was sent it times out, such as 300 or 5m; if not given, as the conductor is configured',
    )
    .addOption(
      choice('--on-timeout <what>', 'what a timeout does: the order fails, or a soft order is forced', [
        'fail',
        'force',
      ]),
    )
    .option('--reason <text>', 'why; recorded with the order')
    .option('--request-id <id>', 'the id of the order: the same id twice is one order; made if not given')
    .option('--task <uuid>', 'of an abort at one node: the only power task that may be aborted')
    .option('--max-parallel <n>', 'several nodes: at most n at once; if not given, 10, and 100 for an abort')
    .option('--canary <n>', 'several nodes: the first n must succeed before the others begin')
    .addOption(
      choice(
        '--on-failure <what>',
        'several nodes: what happens when one fails: stop begins no further order, continue goes on, rollback undoes what was done. stop if not given',
        ['stop', 'continue', 'rollback'],
      ),
    )
    .option('--queue', 'several nodes: wait behind the plans that run on some of them')
    .option('--no-wait', 'end as soon as the order is accepted; the work goes on')
    .addOption(dryRunOption())
    .addOption(yesOrNumberOption());
  addSelectors(command).addHelpText('after', `${targetHelp()}\n${SEVERAL}`).action(asking(power, terminal));
}

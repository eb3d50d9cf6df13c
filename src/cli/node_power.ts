/** `countermand node power`: one order for one node, watched until it is at rest. */
import { type Command, Option } from 'commander';
import { TARGET_TABLE, TARGETS } from '../core/power.ts';
import { OnTimeout } from '../gen/countermand/v1/power.ts';
import { asking, type Call } from './asking.ts';
import { confirmOrder } from './confirming.ts';
import { readOneNode, readSeconds, readTarget } from './flags.ts';
import { followTask } from './following.ts';
import { WHICH_NODE } from './node_text.ts';
import type { Terminal } from './terminal.ts';
import { targetValue } from './words.ts';

interface PowerOptions {
  readonly timeout?: string;
  readonly onTimeout?: 'fail' | 'force';
  readonly reason?: string;
  readonly requestId?: string;
  readonly task?: string;
  readonly wait: boolean;
  readonly yes?: boolean;
}

const ON_TIMEOUT = { fail: OnTimeout.FAIL, force: OnTimeout.FORCE };

async function power(name: string, word: string, options: PowerOptions, call: Call): Promise<void> {
  const node = readOneNode(name);
  const target = readTarget(word);
  const timeout = readSeconds(options.timeout, '--timeout');
  if (!options.yes) await confirmOrder(node, target, call.output.json, call);
  const requestId = options.requestId ?? call.chance.uuid();
  const stream = call.conductor.power.setPowerState({
    node,
    target: targetValue(target),
    timeout,
    onTimeout: options.onTimeout ? ON_TIMEOUT[options.onTimeout] : OnTimeout.UNSPECIFIED,
    requestId,
    reason: options.reason ?? '',
    abortsTaskUuid: options.task ?? '',
  });
  await followTask(stream, { name: requestId, orders: true, wait: options.wait }, call);
}

const targetHelp = (): string => {
  const width = Math.max(...TARGETS.map((target) => TARGET_TABLE[target].word.length));
  const rows = TARGETS.map((target) => `  ${TARGET_TABLE[target].word.padEnd(width)}  ${TARGET_TABLE[target].meaning}`);
  return `\nTargets:\n${rows.join('\n')}`;
};

/** Adds `node power`. */
export function addPower(group: Command, terminal: Terminal): void {
  group
    .command('power')
    .description('change the power state of a node, or abort such a change, and watch it until it is at rest')
    .argument('<node>', WHICH_NODE)
    .argument('<target>', 'what it is to become, or which order is to be aborted; the names of the field do as well')
    .option('--timeout <seconds>', 'when it times out, from the moment of sending; else the default of the target')
    .addOption(
      new Option('--on-timeout <what>', 'what happens then: it fails, or the soft order is forced').choices([
        'fail',
        'force',
      ]),
    )
    .option('--reason <text>', 'why, for those who read it later')
    .option('--request-id <id>', 'the id of the order: the same id twice is one order; else a new one')
    .option('--task <uuid>', 'of an abort: the only power task that may be aborted')
    .option('--no-wait', 'end as soon as the order is accepted; the work goes on')
    .option('--yes', 'do not ask before an order that cannot be taken back')
    .addHelpText('after', targetHelp())
    .action(asking(power, terminal));
}

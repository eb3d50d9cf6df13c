/** `countermand abort`: ends whatever order is under way at nodes, without asking which. */
import type { Command } from 'commander';
import { asking, type Call } from '../shared/asking.ts';
import { readCount } from '../shared/flags.ts';
import { addSelectors, type SelectorFlags, select, WHICH_NODES } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import { abortNodes } from './abort_many.ts';

interface AbortOptions extends SelectorFlags {
  readonly reason?: string;
  readonly requestId?: string;
  readonly maxParallel?: string;
  readonly wait: boolean;
}

async function abort(words: readonly string[], options: AbortOptions, call: Call): Promise<void> {
  const { reason = '', requestId, wait } = options;
  const maxParallel = readCount(options.maxParallel, 1, '--max-parallel');
  const { names: nodes } = await select(words, options, call);
  await abortNodes({ nodes, target: null, reason, requestId, maxParallel, wait }, call);
}

const EXAMPLES = `
An order that was not sent is withdrawn. A soft power off, a soft reboot or an NMI is aborted: on the hardware where the driver
can, and otherwise only the waiting for it ends. A hard order that was sent cannot be aborted. If a plan gave the order, the plan
goes on; 'countermand plan cancel --node NODES' stops it.

Examples:
  countermand abort r7n1
  countermand abort 'r7n[1-16]' --reason "wrong rack"`;

/** Gives the command `abort` its arguments, options and action. */
export function setUpAbort(command: Command, terminal: Terminal): void {
  command
    .argument('[nodes...]', WHICH_NODES)
    .option('--reason <text>', 'why; recorded with each abort')
    .option('--request-id <id>', 'the id of the order: the same id twice is one order; made if not given')
    .option('--max-parallel <n>', 'at most n aborts at once; 100 if not given')
    .option('--no-wait', 'end as soon as each abort is accepted');
  addSelectors(command).addHelpText('after', EXAMPLES).action(asking(abort, terminal));
}

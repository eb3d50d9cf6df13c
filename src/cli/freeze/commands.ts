/** `countermand freeze`: zones and labels whose nodes take no orders for a time. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { nodesInWords } from '../../core/folded_names.ts';
import { Freeze, FreezeNodesResponse, LiftFreezeResponse } from '../../gen/countermand/v1/node.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { readPairs } from '../shared/flags.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import type { Terminal } from '../shared/terminal.ts';

interface FreezeOptions {
  readonly zone?: string;
  readonly label?: string[];
  readonly reason?: string;
  readonly until?: string;
}

/** What is frozen, in words. */
function whatOf({ zone, labels }: Freeze): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return [zone === '' ? '' : `zone ${zone}`, ...pairs].filter((part) => part !== '').join(', ');
}

const FREEZE_LIST: Listing<Freeze> = {
  things: 'freezes',
  type: Freeze,
  name: ({ uuid }) => uuid,
  columns: [
    { head: 'UUID', cell: ({ uuid }) => uuid },
    { head: 'WHAT', cell: whatOf },
    { head: 'UNTIL', cell: ({ until }, { time }) => (until === undefined ? 'it is lifted' : time(until)) },
    { head: 'BY', cell: ({ createdBy }) => createdBy, cuts: true },
    { head: 'WHY', cell: ({ reason }) => reason, cuts: true },
  ],
};

async function freeze(options: FreezeOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const { zone = '', reason = '' } = options;
  const labels = readPairs(options.label, '--label');
  const end = options.until === undefined ? null : Date.parse(options.until);
  if (end !== null && Number.isNaN(end))
    throw fail('ARGUMENT_INVALID', `--until: '${options.until}' is no time; write it as 2026-11-28T18:00+01:00`);
  const request = { zone, labels, reason, ...(end !== null && { until: new Date(end) }) };
  const made = await conductor.nodes.freezeNodes(request);
  output.message(FreezeNodesResponse, made, (answer) => {
    const frozen = present(answer.freeze, 'a freeze');
    const until = frozen.until === undefined ? `freeze ${frozen.uuid} is lifted` : output.time(frozen.until);
    return `${whatOf(frozen)}: frozen until ${until}; orders are refused, and aborts are not`;
  });
  await warnIfEmpty(present(made.freeze, 'a freeze'), call);
}

/** A zone or label that is misspelt freezes nothing, and looks like one that does. It may be meant, for nodes that are enrolled later. */
async function warnIfEmpty(frozen: Freeze, { conductor, output, stderr }: Call): Promise<void> {
  const { zone, labels } = frozen;
  // The freeze holds, whatever becomes of this question.
  const found = await conductor.nodes.listNodes({ zone, labels, pageSize: 1 }).catch(() => null);
  if (found === null || found.nodes.length > 0) return;
  const message = `there is no node with ${whatOf(frozen)}, as far as you may see; the freeze holds for nodes that are enrolled or moved there later`;
  stderr.write(output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
}

async function lift(uuid: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.nodes.liftFreeze({ freeze: uuid });
  const lifted = present(answer.freeze, 'a freeze');
  const { zone, labels } = lifted;
  const { nodes } = await conductor.nodes.listNodes({ zone, labels, pageSize: PAGE }).catch(() => ({ nodes: [] }));
  const held = nodes.filter(({ frozen }) => frozen !== '');
  output.message(LiftFreezeResponse, answer, () => {
    const [first] = held;
    if (first === undefined) return `${whatOf(lifted)}: orders are accepted again`;
    const names = nodesInWords(held.map(({ name }) => name));
    return `${whatOf(lifted)}: this freeze is lifted; others still hold ${names}: ${first.name} is frozen ${first.frozen}`;
  });
}

/** As many nodes are looked at for another freeze. */
const PAGE = 1000;

/** Gives the command `freeze` its options, its action and its subcommands. */
export function setUpFreeze(command: Command, terminal: Terminal): void {
  command
    .option('--zone <zone>', 'the nodes of this zone')
    .option('-l, --label <key=value...>', 'the nodes that bear all of these labels')
    .option('--reason <text>', 'why; required, and whoever is refused reads it')
    .option('--until <time>', 'when it ends by itself; if not given, it holds until it is lifted')
    .addHelpText(
      'after',
      `
Frozen nodes take no orders, those of plans included. Aborts, withdrawals and cancels are accepted, and what is under way
goes on.

Examples:
  countermand freeze -l rack=7 --reason 'the power supply is being replaced' --until 2026-11-28T18:00+01:00
  countermand freeze list
  countermand freeze lift 6c1f9a52-6a86-4f0e-9d6e-0b1f6f0a7d11`,
    )
    .action(asking(freeze, terminal));
  const ask = async ({ conductor }: Call) => (await conductor.nodes.listFreezes({})).freezes;
  const list = (flags: ListFlags, call: Call): Promise<void> => showList(FREEZE_LIST, () => ask(call), flags, call);
  addListFlags(command.command('list').description('list the freezes that hold'), FREEZE_LIST).action(
    asking(list, terminal),
  );
  command
    .command('lift')
    .description('end a freeze before its time')
    .argument('<freeze>', 'its uuid; the first 8 digits are enough')
    .action(asking(lift, terminal));
}

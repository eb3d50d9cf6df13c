/** `countermand node export|import|apply`: nodes in files. */
import { type Command, Option } from 'commander';
import { openWays } from '../node/open_ways.ts';
import { asking, type Call } from '../shared/asking.ts';
import { addSelectors, type SelectorFlags, selectNodes, WHICH_NODES } from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Step } from './compare.ts';
import type { Format } from './read.ts';

const FORMAT_WORDS = ['yaml', 'json', 'csv'];

interface ExportOptions extends SelectorFlags {
  readonly format?: Format;
}

async function exportNodes(words: readonly string[], options: ExportOptions, call: Call): Promise<void> {
  const { emptyLabels, exportText, hiddenKeys } = await import('./export.ts');
  const nodes = await selectNodes(words, options, call);
  const format = call.output.json ? 'lines' : (options.format ?? 'yaml');
  call.output.print(exportText(nodes, format));
  const hidden = hiddenKeys(nodes);
  if (hidden !== '') warn(`secrets that the conductor keeps are not exported: ${hidden}`, call);
  const empty = format === 'csv' ? emptyLabels(nodes) : '';
  if (empty !== '') warn(`labels without a value are not exported as CSV: ${empty}; other formats have them`, call);
}

interface FileOptions {
  readonly format?: Format;
  readonly zone?: string;
  readonly secrets?: boolean;
  readonly dryRun?: boolean;
}

/** What a command does with nodes that are enrolled and differ from the file. */
type OnDifference = 'change' | 'refuse';

function fromFile(onDifference: OnDifference) {
  return async (path: string, options: FileOptions, call: Call): Promise<void> => {
    const { readNodes, refuseFaults } = await import('./read.ts');
    const { compare } = await import('./compare.ts');
    const { checkSteps, writeSteps } = await import('./write.ts');
    const { nodes, notes } = await readNodes(path, options.format, call);
    if (notes.ignored !== '') note(`ignored: ${notes.ignored}`, call);
    refuseFaults(path, notes);
    const wanted = nodes.map((node) => ({ ...node, zone: node.zone ?? options.zone }));
    const steps = compare(wanted, await selectNodes([], {}, call), options.secrets === true, notes);
    if (onDifference === 'refuse') noteDifferences(steps, (place, sentence) => notes.fault(place, sentence));
    refuseFaults(path, notes);
    await checkSteps(steps, notes, call);
    refuseFaults(path, notes);
    if (options.dryRun) return tellSteps(steps, call);
    warnOfWays(steps, call);
    await writeSteps(steps, call);
    call.output.say(summary(steps, false));
    tellSecrets(steps, onDifference, call);
  };
}

function noteDifferences(steps: readonly Step[], fault: (place: string, sentence: string) => void): void {
  for (const { wanted, node, differences } of steps) {
    if (node === null || differences.length === 0) continue;
    const fields = differences.map(({ field }) => field).join(', ');
    fault(
      wanted.place,
      `node '${node.name}' is enrolled with a different ${fields}; countermand node apply changes it`,
    );
  }
}

/** What a file would do. With JSON a line for each node that would be written. */
async function tellSteps(steps: readonly Step[], call: Call): Promise<void> {
  const { stepLine } = await import('./compare.ts');
  for (const step of steps) {
    const line = stepLine(step);
    if (line === '') continue;
    const { wanted, node, differences } = step;
    const told = { dryRun: { node: wanted.name, action: node === null ? 'CREATE' : 'CHANGE', differences } };
    if (call.output.json) call.stdout.write(`${JSON.stringify(told)}\n`);
    else call.output.say(line);
  }
  call.output.say(`${summary(steps, true)}; nothing was written`);
}

function summary(steps: readonly Step[], isDryRun: boolean): string {
  const created = steps.filter(({ node }) => node === null).length;
  const changed = steps.filter(({ node, differences }) => node !== null && differences.length > 0).length;
  const would = isDryRun ? 'would be ' : '';
  const nodes = steps.length === 1 ? 'node' : 'nodes';
  return `${steps.length} ${nodes}: ${created} ${would}enrolled, ${changed} ${would}changed, ${steps.length - created - changed} unchanged`;
}

function tellSecrets(steps: readonly Step[], onDifference: OnDifference, call: Call): void {
  const count = steps.filter(({ hasSecrets, differences }) => hasSecrets && differences.length === 0).length;
  const how = onDifference === 'change' ? '; --secrets sets them anew' : '';
  if (count > 0) note(`the stored secrets of ${count} ${count === 1 ? 'node' : 'nodes'} were not compared${how}`, call);
}

/** Warns of each way to BMCs that is open, once. */
function warnOfWays(steps: readonly Step[], call: Call): void {
  const ways = steps.filter(({ node }) => node === null).flatMap(({ wanted }) => openWays(wanted.driverInfo));
  for (const [way, all] of Map.groupBy(ways, (one) => one))
    warn(all.length > 1 ? `${way} (${all.length} nodes)` : way, call);
}

function warn(message: string, { stderr, output }: Call): void {
  stderr.write(output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
}

/** What is worth knowing, and no reason to worry. */
function note(message: string, { stderr, output }: Call): void {
  stderr.write(output.json ? `${JSON.stringify({ note: { message } })}\n` : `${message}\n`);
}

const FORMS = `
A file of nodes is a list, in YAML or JSON:
  - name: r7n1
    driver: ipmi
    driver_info: {ipmi_address: 10.0.7.1, ipmi_username: admin, ipmi_password: env:COUNTERMAND_SECRET_R7}
    zone: default              # what is left out stays as it is, or is the default
    labels: {rack: "7"}
    maintenance: true
    maintenance_reason: new
or a table, in CSV: the columns name, uuid, driver, zone, maintenance, maintenance_reason, driver_info.KEY and labels.KEY; a key
that begins with the name of the driver, such as ipmi_address, needs no driver_info before it.

Files of others are taken as they are: 'openstack baremetal node list --long -f json', the nodes.json of 'openstack baremetal
create' (extra becomes labels, conductor_group the zone), TripleO's instackenv.json, and the machines of MAAS with their
power_parameters. Keys that only matter for deployment are ignored and listed. Other unknown keys, and masked secrets, are refused.

The whole file is checked before the first node is written, by the drivers as well. A file that was applied once changes nothing the
second time. Stored secrets cannot be compared.`;

function addFileOptions(command: Command): Command {
  return command
    .argument('<file>', 'the file, or - for standard input; at most 32 MB')
    .addOption(formatOption('how it is written; else CSV if its name ends in .csv, and YAML or JSON if not'))
    .option('--zone <zone>', 'the zone of nodes for which the file names none')
    .option('--dry-run', 'check everything, and say what would change; nothing is written');
}

const formatOption = (meaning: string): Option => new Option('--format <format>', meaning).choices(FORMAT_WORDS);

/** Adds `node export`, `node import` and `node apply`. */
export function addNodeFileCommands(group: Command, terminal: Terminal): void {
  const command = group
    .command('export')
    .description('print nodes as a file that node import and node apply take; secrets are left out')
    .argument('[nodes...]', `${WHICH_NODES}; every node if left out`)
    .addOption(formatOption('how to print them; yaml if left out'));
  addSelectors(command, { everyNode: true }).action(asking(exportNodes, terminal));
  addFileOptions(
    group
      .command('import')
      .description('enrol the nodes of a file; one that is enrolled and differs from it is refused'),
  )
    .addHelpText('after', FORMS)
    .action(asking(fromFile('refuse'), terminal));
  addFileOptions(
    group.command('apply').description('enrol the nodes of a file, and change those that are enrolled to what it says'),
  )
    .option('--secrets', 'set the secrets of the file also where one is stored')
    .addHelpText('after', '\nThe file is that of countermand node import; its help shows one.')
    .action(asking(fromFile('change'), terminal));
}

/** `countermand node create|set|delete|validate`: what is kept of a node. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { expandRanges } from '../../core/ranges.ts';
import {
  DeleteNodeResponse,
  Node,
  type UpdateNodeRequest,
  ValidateNodeResponse,
} from '../../gen/countermand/v1/node.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { confirmAbout, type Yes, yesOption } from '../shared/confirming.ts';
import { fileWords, warnOfFiles } from '../shared/file_names.ts';
import { readPairs } from '../shared/flags.ts';
import { forEachNode } from '../shared/many.ts';
import {
  addSelectors,
  BESIDE_SETTERS,
  besideSetters,
  chooses,
  rangesIn,
  type Selection,
  type SelectorFlags,
  select,
  selectFound,
  WHICH_NODES,
} from '../shared/selection.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addInfoFlags, type InfoFlags, readInfo } from './info.ts';
import { warnOfOpenWays } from './open_ways.ts';
import { nodeText, WHICH_NODE } from './text.ts';

/** Prints a node that was written. */
function print(node: Node | undefined, { output, clock }: Call): void {
  output.message(Node, present(node, 'a node'), (written) => nodeText(written, clock.now(), output.time));
}

interface CreateOptions extends InfoFlags {
  readonly driver: string;
  readonly zone?: string;
  readonly label?: readonly string[];
}

async function create(name: string, options: CreateOptions, call: Call): Promise<void> {
  const driverInfo = await readInfo(options, call);
  const { node } = await call.conductor.nodes.createNode({
    name,
    driver: options.driver,
    driverInfo,
    zone: options.zone ?? '',
    labels: readPairs(options.label, '--label'),
  });
  warnOfOpenWays(driverInfo, call);
  print(node, call);
}

/** Adds `node create`. */
export function addCreate(group: Command, terminal: Terminal): void {
  const command = group
    .command('create')
    .description('enrol a node; its driver checks the driver_info, the BMC is not contacted')
    .argument('<name>', 'the name of the node: letters, digits, dots, dashes and underscores')
    .requiredOption('--driver <name>', 'the driver that talks to its BMC, such as ipmi');
  addInfoFlags(
    command,
    'how the driver reaches the BMC; a password given as file:NAME or env:NAME is read by the agent, and does not stand on this command line',
  )
    .option('--zone <name>', 'the zone from which the BMC is reached', 'default')
    .option('--label <key=value...>', 'labels')
    .action(asking(create, terminal));
}

interface SetOptions extends SelectorFlags, InfoFlags {
  readonly name?: string;
  readonly unsetInfo?: string[];
  readonly unsetLabel?: string[];
  readonly maintenance?: 'on' | 'off';
  readonly maintenanceReason?: string;
}

/** The flags that set values; the others choose the nodes. */
async function changesOf(options: SetOptions, call: Call): Promise<Omit<UpdateNodeRequest, 'node' | 'validateOnly'>> {
  const { maintenance } = options;
  return {
    name: options.name,
    zone: options.zone,
    setDriverInfo: await readInfo(options, call),
    removeDriverInfo: options.unsetInfo ?? [],
    setLabels: readPairs(options.label, '--label'),
    removeLabels: options.unsetLabel ?? [],
    maintenance: maintenance === undefined ? undefined : maintenance === 'on',
    maintenanceReason: options.maintenanceReason,
  };
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** One node is looked up by what is done to it; of several, each has to exist before the first is written. */
async function selectMany(words: readonly string[], flags: SelectorFlags, call: Call): Promise<Selection> {
  const isOne = words.length > 0 && !flags.all && !chooses(flags) && expandRanges(rangesIn(words)).length === 1;
  return isOne ? select(words, flags, call) : selectFound(words, flags, call);
}

/** How many nodes are written at once. */
const WRITES_AT_ONCE = 8;

async function set(words: readonly string[], options: SetOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const changes = await changesOf(options, call);
  if (Object.values(changes).every(isEmpty))
    throw fail('ARGUMENT_INVALID', 'nothing to set; countermand node set --help lists what can be set');
  const { names } = await selectMany(words, besideSetters(options), call);
  if (changes.name !== undefined && names.length > 1)
    throw fail('ARGUMENT_INVALID', `--name is a name for one node, and ${names.length} are selected`);
  const write = async (name: string): Promise<null> => {
    const { node } = await conductor.nodes.updateNode({ node: name, ...changes });
    if (names.length === 1) print(node, call);
    else output.message(Node, present(node, 'a node'), () => `${name}: set`);
    return null;
  };
  warnOfOpenWays(changes.setDriverInfo, call);
  await forEachNode(names, write, { atOnce: WRITES_AT_ONCE, failed: 'could not be changed' }, call);
}

const SET_EXAMPLES = `
--label and --zone set what a node bears; -l (--with-label) and --in-zone choose nodes by what they bear now.

Examples:
  countermand node set r7n1 --label rack=7 row=b
  countermand node set 'r7n[1-16]' --maintenance on --maintenance-reason "rack work"
  countermand node set -l rack=7 --label row=b --unset-label owner
  countermand node set --in-zone east --zone west`;

/** Adds `node set`. */
export function addSet(group: Command, terminal: Terminal): void {
  const command = group
    .command('set')
    .description('change what is kept of nodes; name, zone and driver_info need nodes that no power task holds')
    .argument('[nodes...]', WHICH_NODES)
    .option('--name <name>', 'a new name, for one node')
    .option('--zone <name>', 'the zone to set; --in-zone chooses by zone');
  addInfoFlags(command, 'keys of driver_info to set')
    .option('--unset-info <key...>', 'keys of driver_info to remove')
    .option('--label <key=value...>', 'labels to set; -l (--with-label) chooses by label')
    .option('--unset-label <key...>', 'labels to remove')
    .addOption(
      new Option(
        '--maintenance <on|off>',
        'mark the node as in maintenance, or no longer; it is still read, and orders are still accepted',
      ).choices(['on', 'off']),
    )
    .option('--maintenance-reason <text>', 'why; recorded with the node');
  command.addHelpText('after', SET_EXAMPLES);
  addSelectors(command, { flags: BESIDE_SETTERS }).action(asking(set, terminal));
}

async function accept(node: string, { guid = '' }: { readonly guid?: string }, call: Call): Promise<void> {
  const answer = await call.conductor.nodes.acceptNode({ node, guid });
  print(answer.node, call);
}

/** Adds `node accept`. */
export function addAccept(group: Command, terminal: Terminal): void {
  group
    .command('accept')
    .description(
      "accept the server that now answers at the node's address, although its GUID has changed; waiting plans about the node are superseded",
    )
    .argument('<node>', WHICH_NODE)
    .option('--guid <guid>', 'only a server with this GUID; whichever answers without it')
    .action(asking(accept, terminal));
}

interface ForgetOptions extends SelectorFlags {
  readonly yes?: Yes;
}

async function forget(words: readonly string[], options: ForgetOptions, call: Call): Promise<void> {
  const { conductor, output } = call;
  const { yes } = options;
  const typed = rangesIn(words);
  if (yes) warnOfFiles(typed, output.json, call);
  const { names, title } = await selectMany(words, options, call);
  const files = typed.filter(call.hasFile).map((name) => `${fileWords(name)}. `);
  const what =
    names.length === 1
      ? `this would forget node '${names[0]}', with its driver_info and its secrets`
      : `this would forget ${names.length} nodes, ${title}, with their driver_info and their secrets`;
  const look = () => conductor.nodes.getNode({ node: names[0] });
  await confirmAbout(`${files.join('')}${what}; the hardware is left alone`, yes, look, call);
  const write = async (node: string): Promise<null> => {
    const answer = await conductor.nodes.deleteNode({ node });
    output.message(DeleteNodeResponse, answer, () => `${node}: deleted`);
    return null;
  };
  await forEachNode(names, write, { atOnce: WRITES_AT_ONCE, failed: 'could not be deleted' }, call);
}

/** Adds `node delete`. */
export function addDelete(group: Command, terminal: Terminal): void {
  const command = group
    .command('delete')
    .description('forget nodes that no power task holds; the hardware is left alone')
    .argument('[nodes...]', WHICH_NODES)
    .addOption(yesOption());
  addSelectors(command).action(asking(forget, terminal));
}

async function validate(node: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.nodes.validateNode({ node });
  output.message(ValidateNodeResponse, answer, () => (answer.valid ? `${node}: the driver_info is valid` : ''));
  if (!answer.valid) throw fail('DRIVER_INFO_INVALID', `${node}: ${answer.reason}`);
}

/** Adds `node validate`. */
export function addValidate(group: Command, terminal: Terminal): void {
  group
    .command('validate')
    .description('have the driver check the driver_info of a node again, without contact with the BMC')
    .argument('<node>', WHICH_NODE)
    .action(asking(validate, terminal));
}

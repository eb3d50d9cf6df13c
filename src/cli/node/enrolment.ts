/** `countermand node create|set|delete|validate`: what is kept of a node. */
import { type Command, Option } from 'commander';
import { fail } from '../../core/errors.ts';
import { DeleteNodeResponse, Node, ValidateNodeResponse } from '../../gen/countermand/v1/node.ts';
import { asking, type Call, present } from '../shared/asking.ts';
import { confirm, type Yes, yesOption } from '../shared/confirming.ts';
import { fileWords, warnOfFiles } from '../shared/file_names.ts';
import { readPairs } from '../shared/flags.ts';
import type { Terminal } from '../shared/terminal.ts';
import { warnOfOpenWays } from './open_ways.ts';
import { nodeText, WHICH_NODE } from './text.ts';

/** Prints a node that was written. */
function print(node: Node | undefined, { output, clock }: Call): void {
  output.message(Node, present(node, 'a node'), (written) => nodeText(written, clock.now(), output.time));
}

interface CreateOptions {
  readonly driver: string;
  readonly info?: readonly string[];
  readonly zone?: string;
  readonly label?: readonly string[];
}

async function create(name: string, options: CreateOptions, call: Call): Promise<void> {
  const driverInfo = readPairs(options.info, '--info');
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
  group
    .command('create')
    .description('enrol a node; its driver checks the driver_info, the BMC is not contacted')
    .argument('<name>', 'the name of the node: letters, digits, dots, dashes and underscores')
    .requiredOption('--driver <name>', 'the driver that talks to its BMC, such as ipmi')
    .option(
      '--info <key=value...>',
      'how the driver reaches the BMC; for a secret key, file:NAME and env:NAME are read by the agent and keep the secret off this line',
    )
    .option('--zone <name>', 'the zone from which the BMC is reached', 'default')
    .option('--label <key=value...>', 'labels')
    .action(asking(create, terminal));
}

interface SetOptions {
  readonly name?: string;
  readonly zone?: string;
  readonly info?: readonly string[];
  readonly unsetInfo?: string[];
  readonly label?: readonly string[];
  readonly unsetLabel?: string[];
  readonly maintenance?: 'on' | 'off';
  readonly maintenanceReason?: string;
}

async function set(node: string, options: SetOptions, call: Call): Promise<void> {
  if (Object.keys(options).length === 0)
    throw fail('ARGUMENT_INVALID', `nothing to set on '${node}'; countermand node set --help lists what can be set`);
  const setDriverInfo = readPairs(options.info, '--info');
  const answer = await call.conductor.nodes.updateNode({
    node,
    name: options.name,
    zone: options.zone,
    setDriverInfo,
    removeDriverInfo: options.unsetInfo,
    setLabels: readPairs(options.label, '--label'),
    removeLabels: options.unsetLabel,
    maintenance: options.maintenance === undefined ? undefined : options.maintenance === 'on',
    maintenanceReason: options.maintenanceReason,
  });
  warnOfOpenWays(setDriverInfo, call);
  print(answer.node, call);
}

/** Adds `node set`. */
export function addSet(group: Command, terminal: Terminal): void {
  group
    .command('set')
    .description('change what is kept of a node; name, zone and driver_info need a node that no power task holds')
    .argument('<node>', WHICH_NODE)
    .option('--name <name>', 'a new name')
    .option('--zone <name>', 'another zone')
    .option('--info <key=value...>', 'keys of driver_info to set')
    .option('--unset-info <key...>', 'keys of driver_info to remove')
    .option('--label <key=value...>', 'labels to set')
    .option('--unset-label <key...>', 'labels to remove')
    .addOption(new Option('--maintenance <on|off>', 'stops neither reading nor orders').choices(['on', 'off']))
    .option('--maintenance-reason <text>', 'why, for those who read it later')
    .action(asking(set, terminal));
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
      'take the server that answers at the address of a node for its server from now on, although its GUID is another; plans about the node that wait are superseded',
    )
    .argument('<node>', WHICH_NODE)
    .option('--guid <guid>', 'only a server with this GUID; whichever answers without it')
    .action(asking(accept, terminal));
}

async function forget(node: string, { yes }: { readonly yes?: Yes }, call: Call): Promise<void> {
  const { conductor, output } = call;
  if (yes) warnOfFiles([node], output.json, call);
  const file = call.hasFile(node) ? `${fileWords(node)}. ` : '';
  await confirm(
    `${file}node '${node}' is forgotten, with its driver_info and its secrets; the hardware is left alone`,
    yes,
    call,
  );
  const answer = await conductor.nodes.deleteNode({ node });
  output.message(DeleteNodeResponse, answer, () => `${node}: deleted`);
}

/** Adds `node delete`. */
export function addDelete(group: Command, terminal: Terminal): void {
  group
    .command('delete')
    .description('forget a node that no power task holds; the hardware is left alone')
    .argument('<node>', WHICH_NODE)
    .addOption(yesOption())
    .action(asking(forget, terminal));
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

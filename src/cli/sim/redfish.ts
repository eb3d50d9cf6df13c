/** `countermand sim redfish`: BMCs that speak Redfish, as many as wanted in one process. */
import { type Command, Option } from 'commander';
import { LISTINGS, ORDER_FAULTS } from '../../sim/redfish/faults.ts';
import { TREES } from '../../sim/redfish/trees.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addFleetOptions, addHostOptions } from './flags.ts';
import {
  FIRST_REDFISH_PORT,
  PAGE_FAULTS,
  type RedfishOptions,
  readRedfishSettings,
  USUAL_REDFISH_HOST,
} from './redfish_flags.ts';

/** Adds `sim redfish`. */
export function addSimRedfish(group: Command, terminal: Terminal): void {
  const command = group.command('redfish').description('pretend BMCs with Redfish, until Ctrl-C');
  addFleetOptions(command, FIRST_REDFISH_PORT)
    .option('--tls-key <file>', 'the key for https, in PEM; http without it')
    .option('--tls-cert <file>', 'its certificate, in PEM')
    .addOption(new Option('--like <bmc>', 'their pages are those recorded from this one').choices(Object.keys(TREES)))
    .option('--systems <count>', 'how many Systems each BMC has, 1 without it; a node is the first')
    .addOption(new Option('--listing <where>', 'where the ResetTypes stand; inline without it').choices(LISTINGS))
    .option('--reset-types <words>', 'the ResetTypes that are listed and taken, such as On,ForceOff,GracefulShutdown')
    .option('--transitions', 'PowerState is PoweringOff while the operating system stops');
  addHostOptions(command, USUAL_REDFISH_HOST);
  addFaultOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: RedfishOptions) => {
      const settings = readRedfishSettings(options, terminal.environment);
      const { runSimRedfish } = await import('./redfish_run.ts');
      await runSimRedfish(settings, command.optsWithGlobals().json === true, terminal);
    });
}

function addFaultOptions(command: Command): Command {
  const orders = Object.keys(ORDER_FAULTS).filter((name) => name !== 'none');
  return command
    .option('--faulty <which>', 'which nodes have the faults below: a share such as 10%, or numbers; all if left out')
    .addOption(new Option('--order <fault>', 'fault: what a Reset is answered with, see below').choices(orders))
    .option('--late <ms>', 'fault: how late the answer of --order late is; 40000 without it')
    .addOption(
      new Option('--pages <fault>', 'fault: what is wrong with the answers to GET').choices(Object.keys(PAGE_FAULTS)),
    )
    .option('--power-state <word>', 'fault: the PowerState that is always shown, such as PoweringOff or null')
    .option('--chassis-lag <ms>', 'fault: how long PowerState is Off before the power is off; an On is lost then')
    .option('--sessions <count>', 'fault: how many sessions may be open')
    .option('--no-basic', 'fault: only sessions, no Basic');
}

const EXAMPLES = `
It prints the command that enrols a node.

The faults of --order:
${Object.entries(ORDER_FAULTS)
  .filter(([name]) => name !== 'none')
  .map(([name, meaning]) => `  ${name.padEnd(18)} ${meaning}`)
  .join('\n')}

Examples:
  countermand sim redfish --nodes 1000
  countermand sim redfish --nodes 100 --faulty 10% --order task-exception
  countermand sim redfish --nodes 10 --like dell-idrac9-r750
  countermand sim redfish --listing action-info --reset-types On,ForceOff,ForceRestart,GracefulShutdown
  countermand sim redfish --tls-key bmc.key --tls-cert bmc.pem --no-basic`;

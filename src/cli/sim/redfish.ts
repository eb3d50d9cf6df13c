/** `countermand sim redfish`: BMCs that speak Redfish, as many as wanted in one process. */
import { type Command, Option } from 'commander';
import { LISTINGS } from '../../sim/redfish/faults.ts';
import { TREES } from '../../sim/redfish/trees.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addFleetOptions, addHostOptions } from './flags.ts';
import { addRedfishFaultOptions, faultsHelp } from './redfish_faults.ts';
import {
  FIRST_REDFISH_PORT,
  type RedfishOptions,
  readRedfishSettings,
  SECONDS,
  TLS_VERSIONS,
  USUAL_REDFISH_HOST,
} from './redfish_flags.ts';

/** Adds `sim redfish`. */
export function addSimRedfish(group: Command, terminal: Terminal): void {
  const command = group.command('redfish').description('simulate BMCs with Redfish until interrupted');
  addFleetOptions(command, FIRST_REDFISH_PORT)
    .option('--tls-key <file>', 'the key for https, in PEM, also a weak one; http without it')
    .option('--tls-cert <file>', 'its certificate, in PEM')
    .addOption(new Option('--tls-version <only>', 'the only TLS version that they speak').choices(TLS_VERSIONS))
    .addOption(
      new Option('--like <bmc>', `their pages are those recorded from this one: ${Object.keys(TREES).join(', ')}`),
    )
    .option('--systems <count>', 'how many Systems each BMC has, 1 without it; a node is the first')
    .addOption(new Option('--second <what>', 'a System more, listed first, that cannot be used').choices(SECONDS))
    .option('--unordered', 'the Systems are listed backwards')
    .addOption(new Option('--listing <where>', 'where the ResetTypes stand; inline without it').choices(LISTINGS))
    .option('--reset-types <words>', 'the ResetTypes that are listed and taken, such as On,ForceOff,GracefulShutdown')
    .option('--transitions', 'PowerState is PoweringOff while the operating system stops');
  addHostOptions(command, USUAL_REDFISH_HOST);
  addRedfishFaultOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: RedfishOptions) => {
      const settings = readRedfishSettings(options, terminal.environment);
      const { runSimRedfish } = await import('./redfish_run.ts');
      await runSimRedfish(settings, command.optsWithGlobals().json === true, terminal);
    });
}

const EXAMPLES = `
It prints the command that enrols a node.

${faultsHelp()}

Examples:
  countermand sim redfish --nodes 1000
  countermand sim redfish --nodes 100 --faulty 10% --order task-exception
  countermand sim redfish --nodes 10 --like dell-idrac9-r750
  countermand sim redfish --listing action-info --reset-types On,ForceOff,ForceRestart,GracefulShutdown
  countermand sim redfish --systems 4 --unordered --second without-reset
  countermand sim redfish --nodes 100 --faulty 10% --sessions-as-idrac --sessions 0 --no-basic
  countermand sim redfish --tls-key bmc.key --tls-cert bmc.pem --no-basic`;

/** `countermand sim ipmi`: BMCs that speak IPMI 2.0, as many as wanted in one process. */
import { type Command, Option } from 'commander';
import type { Terminal } from '../shared/terminal.ts';
import { addFaultOptions } from './faults.ts';
import { addFleetOptions, addHostOptions } from './flags.ts';
import { KG_VARIABLE, readSimIpmi, type SimIpmiOptions, SUITES, USUAL_HOST } from './ipmi_flags.ts';

const FIRST_PORT = 6230;

/** Adds `sim ipmi`. */
export function addSimIpmi(group: Command, terminal: Terminal): void {
  const command = group.command('ipmi').description('simulate BMCs that speak IPMI 2.0 over LAN, until interrupted');
  addFleetOptions(command, FIRST_PORT)
    .option('--suites <list>', 'the cipher suites that they do', SUITES.join(','))
    .addOption(
      new Option(
        '--irmc-agent <connected|missing>',
        'they know the commands of an iRMC too, with or without the agent in the operating system',
      ).choices(['connected', 'missing']),
    );
  addHostOptions(command, USUAL_HOST);
  addFaultOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: SimIpmiOptions) => {
      const settings = readSimIpmi(options, terminal.environment);
      const { runSimIpmi } = await import('./ipmi_run.ts');
      await runSimIpmi(settings, command.optsWithGlobals().json === true, terminal);
    });
}

const EXAMPLES = `
It prints the command that enrols a node. The only user is an administrator. If ${KG_VARIABLE} is set, it is the BMC
key K_g, in hexadecimal.

Examples:
  countermand sim ipmi --nodes 10000
  countermand sim ipmi --nodes 10 --first-port 7000 --soft-off never --suites 17
  countermand sim ipmi --nodes 100 --faulty 10% --answer 2000 --max-sessions 2
  countermand sim ipmi --irmc-agent connected --pending 60000 --soft-off 20000`;

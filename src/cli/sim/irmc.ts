/** `countermand sim irmc`: Fujitsu iRMCs, with SCCI, Redfish, SNMP and IPMI, as many as wanted in one process. */
import { type Command, Option } from 'commander';
import { BOOT_STATUS } from '../../sim/host.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addFleetOptions, addHostOptions } from './flags.ts';
import { addIrmcFaultOptions } from './irmc_faults.ts';
import {
  FIRST_PORTS,
  GENERATIONS,
  type IrmcOptions,
  readSettings,
  SNMP_USER,
  SNMP_VARIABLES,
  SNMP_VERSIONS,
  USUAL_HOST,
} from './irmc_flags.ts';

/** Adds `sim irmc`. */
export function addSimIrmc(group: Command, terminal: Terminal): void {
  const command = group.command('irmc').description('simulate Fujitsu iRMCs until interrupted');
  addFleetOptions(command, FIRST_PORTS.web)
    .option('--first-snmp-port <port>', 'the first UDP port of SNMP; 0 takes any free ones', String(FIRST_PORTS.snmp))
    .option('--first-ipmi-port <port>', 'the first UDP port of IPMI; 0 takes any free ones', String(FIRST_PORTS.ipmi))
    .option('--tls-key <file>', 'the key for https, in PEM; http without it')
    .option('--tls-cert <file>', 'its certificate, in PEM')
    .addOption(choice('--generation <which>', 'which iRMC; an S6 speaks https only', GENERATIONS, 'S5'))
    .addOption(choice('--auth <how>', 'how one logs in', ['basic', 'digest'], 'basic'))
    .addOption(choice('--snmp-version <which>', 'what is enrolled; all of them are there', SNMP_VERSIONS, 'v2c'));
  addHostOptions(command, USUAL_HOST)
    .addOption(
      choice(
        '--reset-shows <boot status>',
        'the boot status that a graceful reboot shows between down and up',
        resetWords(),
        USUAL_HOST.resetShows,
      ),
    )
    .option('--reset <ms>', 'how long that is seen', String(USUAL_HOST.resetMs));
  addIrmcFaultOptions(command)
    .addHelpText('after', EXAMPLES)
    .action(async (options: IrmcOptions) => {
      const settings = readSettings(options, terminal.environment);
      const { runSimIrmc } = await import('./irmc_run.ts');
      await runSimIrmc(settings, command.optsWithGlobals().json === true, terminal);
    });
}

const EXAMPLES = `
It prints the command that enrols a node. The only user is an administrator. SNMP is read with the community in
${SNMP_VARIABLES.community} (else public), or as user ${SNMP_USER} with the passwords in
${SNMP_VARIABLES.authPassword} and ${SNMP_VARIABLES.privPassword}.

Examples:
  countermand sim irmc --nodes 1000
  countermand sim irmc --pending 60000 --soft-off 20000
  countermand sim irmc --nodes 100 --faulty 10% --agent-missing --snmp silent
  countermand sim irmc --generation S6 --tls-key irmc.key --tls-cert irmc.pem --snmp-version v3`;

const resetWords = (): string[] => [...Object.keys(BOOT_STATUS), 'nothing'];

function choice(flags: string, what: string, words: readonly string[], usual: string): Option {
  return new Option(flags, what).choices(words).default(usual);
}

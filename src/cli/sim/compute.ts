/** `countermand sim compute`: a cloud with an identity service and a compute service. */
import { type Command, Option } from 'commander';
import { ABORT_FAULTS, ANSWER_FAULTS, COLD_FAULTS, LIVE_FAULTS, USUAL_TIMES } from '../../sim/compute/faults.ts';
import type { Terminal } from '../shared/terminal.ts';
import { type ComputeOptions, readComputeSettings } from './compute_flags.ts';
import { PASSWORD_VARIABLE } from './flags.ts';

/** Adds `sim compute`. */
export function addSimCompute(group: Command, terminal: Terminal): void {
  const oneOf = (flag: string, what: string, words: object): Option =>
    new Option(flag, `fault: ${what}`).choices(Object.keys(words).filter((word) => word !== 'none'));
  const command = group.command('compute').description('simulate an OpenStack compute service until interrupted');
  command
    .option('--hosts <count>', 'how many hosts: cmp1, cmp2, ...', '3')
    .option('--instances <count>', 'how many instances, spread over the hosts', '6')
    .option('--stopped <which>', 'the instances that are stopped: a share such as 10%, or numbers; none without it')
    .option('--address <ip>', 'where it listens; beyond loopback everybody there can reach it', '127.0.0.1')
    .option('--port <port>', 'its port; 0 takes any free one', '8774')
    .option('--username <name>', `who may log in; the password is that in ${PASSWORD_VARIABLE}, else secret`, 'admin')
    .option('--compute-version <version>', 'the newest version that it speaks', '2.93')
    .option('--live <ms>', 'how long the copy of a live migration takes', String(USUAL_TIMES.liveMs))
    .option('--cold <ms>', 'how long the copy of a cold migration takes', String(USUAL_TIMES.coldMs))
    .option(
      '--record <ms>',
      'how long after the answer the record of a migration appears',
      String(USUAL_TIMES.recordMs),
    )
    .option('--accepted <ms>', 'how long the scheduler takes', String(USUAL_TIMES.acceptedMs))
    .option('--capacity <count>', 'how many instances each host has room for', '1000')
    .option('--faulty <which>', 'the instances with the faults below: a share such as 10%, or numbers; all if left out')
    .addOption(oneOf('--live-fault <fault>', 'what becomes of live migrations, see below', LIVE_FAULTS))
    .addOption(oneOf('--cold-fault <fault>', 'what becomes of cold migrations, see below', COLD_FAULTS))
    .addOption(oneOf('--abort-fault <fault>', 'what becomes of aborts, see below', ABORT_FAULTS))
    .addOption(oneOf('--answers <fault>', 'what becomes of the answers to orders, see below', ANSWER_FAULTS))
    .option('--power-stuck', 'fault: stops and starts are taken, and nothing follows')
    .option('--dead <hosts>', 'fault: hosts whose nova-compute is dead, such as 1,3')
    .option('--token-seconds <seconds>', 'fault: how long a token lasts')
    .option('--member', 'fault: the user is no admin: it sees no hosts')
    .option('--unavailable', 'fault: every request is answered with 503')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ComputeOptions) => {
      const settings = readComputeSettings(options, terminal.environment);
      const { runSimCompute } = await import('./compute_run.ts');
      await runSimCompute(settings, command.optsWithGlobals().json === true, terminal);
    });
}

function rows(flag: string, meanings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(meanings).filter(([name]) => name !== 'none');
  return `The faults of ${flag}:\n${lines.map(([name, meaning]) => `  ${name.padEnd(14)} ${meaning}`).join('\n')}`;
}

const EXAMPLES = `
It prints the file of clouds by which a conductor finds it.

${rows('--live-fault', LIVE_FAULTS)}

${rows('--cold-fault', COLD_FAULTS)}

${rows('--abort-fault', ABORT_FAULTS)}

${rows('--answers', ANSWER_FAULTS)}

Examples:
  countermand sim compute > clouds.yaml
  countermand sim compute --hosts 3 --instances 30 --stopped 10%
  countermand sim compute --faulty 2 --live-fault stuck
  countermand sim compute --live 60000 --abort-fault refused`;

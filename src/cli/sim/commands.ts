/** `countermand sim ...`: BMCs, and a compute service, that are only pretended, to try things and to test against. */
import type { Command } from 'commander';
import type { Terminal } from '../shared/terminal.ts';
import { addSimCompute } from './compute.ts';
import { addSimIpmi } from './ipmi.ts';
import { addSimIrmc } from './irmc.ts';
import { addSimRedfish } from './redfish.ts';

/** The simulators. A new one is one file and one line here. */
const COMMANDS = [addSimIpmi, addSimIrmc, addSimRedfish, addSimCompute];

const EXAMPLES = `
Examples:
  countermand sim ipmi
  countermand sim ipmi --nodes 1000 --soft-off 20000
  countermand sim ipmi --nodes 100 --faulty 10% --hung
  countermand sim ipmi --nodes 8 --faulty 3,5-6 --hold-orders 5000 --loss 20%
  countermand sim compute --hosts 3 --instances 30`;

/** Adds the commands of the group `sim`. */
export function addSimCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(group, terminal);
}

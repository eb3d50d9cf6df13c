/** `countermand agent`: the hardware driver daemon as a process of its own. */
import type { Command } from 'commander';
import { addressOf } from './asking.ts';
import { addConfigurationOptions, readConfiguration } from './configuration.ts';
import { keysReadBy } from './configuration_keys.ts';
import type { Terminal } from './terminal.ts';

/** Adds the command `agent`. */
export function addAgentCommand(program: Command, terminal: Terminal): void {
  const agent = program.command('agent').description('run an agent: the daemon beside the BMC network');
  addConfigurationOptions(agent, keysReadBy('agent')).action(async (options, command: Command) => {
    const configuration = readConfiguration(options, terminal.environment);
    const { runAgentAlone } = await import('./daemons.ts');
    await runAgentAlone(addressOf(command, terminal.environment), configuration, terminal);
  });
}

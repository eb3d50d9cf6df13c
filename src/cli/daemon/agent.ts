/** `countermand agent`: the hardware driver daemon as a process of its own. */
import type { Command } from 'commander';
import { addressOf } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, readConfiguration } from './configuration.ts';
import { keysReadBy } from './configuration_keys.ts';

/** Gives the command `agent` its options and its action. */
export function setUpAgent(agent: Command, terminal: Terminal): void {
  addConfigurationOptions(agent, keysReadBy('agent')).action(async (options, command: Command) => {
    const configuration = readConfiguration(options, terminal.environment);
    const { runAgentAlone } = await import('./run_agent.ts');
    await runAgentAlone(addressOf(command, terminal.environment), configuration, terminal);
  });
}

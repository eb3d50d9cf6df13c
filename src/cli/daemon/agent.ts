/** `countermand agent`: the hardware driver daemon as a process of its own. */
import type { Command } from 'commander';
import { addressOf, type GlobalOptions } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, configurationOf, readValues } from './configuration.ts';
import { keysReadBy } from './configuration_keys.ts';

/** Gives the command `agent` its options and its action. */
export function setUpAgent(agent: Command, terminal: Terminal): void {
  addConfigurationOptions(agent, keysReadBy('agent')).action(async (_options, command: Command) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const read = () => readValues({ ...options }, terminal.environment);
    const values = read();
    const { runAgentAlone } = await import('./run_agent.ts');
    const place = { address: addressOf(command, terminal.environment), insecure: options.insecure === true };
    await runAgentAlone(place, configurationOf(values), { values, read }, terminal);
  });
}

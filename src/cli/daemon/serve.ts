/** `countermand serve`: a conductor for keeps, with an agent inside. */
import type { Command } from 'commander';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, readConfiguration } from './configuration.ts';
import { KEY_NAMES } from './configuration_keys.ts';

/** Gives the command `serve` its options and its action. */
export function setUpServe(serve: Command, terminal: Terminal): void {
  addConfigurationOptions(serve, KEY_NAMES)
    .option('--no-agent', 'without the agent inside')
    .action(async (options) => {
      const configuration = readConfiguration(options, terminal.environment);
      const { runConductor } = await import('./run.ts');
      await runConductor(configuration, options.agent, terminal);
    });
}

/** `countermand serve`: a conductor for keeps, with an agent inside. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { isLoopback } from '../shared/address.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, type Configuration, readConfiguration } from './configuration.ts';
import { KEY_NAMES } from './configuration_keys.ts';

/** @throws CONFIGURATION_INVALID if others could reach the HTTP door, and --insecure was not given */
function refuseOpenDoor({ httpListen }: Configuration, insecure: boolean): void {
  if (httpListen === null || insecure || isLoopback(httpListen)) return;
  throw fail(
    'CONFIGURATION_INVALID',
    `http_listen is ${httpListen}, where others could give orders without authentication; use a loopback address such as 127.0.0.1:7078, none, or --insecure`,
  );
}

/** Gives the command `serve` its options and its action. */
export function setUpServe(serve: Command, terminal: Terminal): void {
  addConfigurationOptions(serve, KEY_NAMES)
    .option('--no-agent', 'without the agent inside')
    .option('--insecure', 'allow an http_listen address that other hosts can reach, although there is no login')
    .action(async (options) => {
      const configuration = readConfiguration(options, terminal.environment);
      refuseOpenDoor(configuration, options.insecure === true);
      const { runConductor } = await import('./run_conductor.ts');
      await runConductor(configuration, options.agent, terminal);
    });
}

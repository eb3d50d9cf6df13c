/** `countermand serve`: a conductor for keeps, with an agent inside. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { DEFAULT_ADDRESS, isLoopback } from '../shared/address.ts';
import type { GlobalOptions } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, type Configuration, readConfiguration } from './configuration.ts';
import { KEY_NAMES } from './configuration_keys.ts';

/**
 * @throws CONFIGURATION_INVALID if others could reach a port that is not made for that, and --insecure was not given: its
 *   traffic could be read and changed, or whoever reaches it could give orders
 */
function refuseOpenPorts({ listen, httpListen, tls }: Configuration): void {
  if (!isLoopback(listen) && tls.certificate === null)
    throw fail(
      'CONFIGURATION_INVALID',
      `listen is ${listen}, which other hosts reach, and in plaintext anyone on the way reads and changes what is sent there; give tls_certificate and tls_key, which 'countermand certificates init' makes, or use a loopback address such as ${DEFAULT_ADDRESS}, or --insecure`,
    );
  if (httpListen !== null && !isLoopback(httpListen))
    throw fail(
      'CONFIGURATION_INVALID',
      `http_listen is ${httpListen}, where others could give orders without authentication; use a loopback address such as 127.0.0.1:7078, none, or --insecure`,
    );
}

/** Gives the command `serve` its options and its action. */
export function setUpServe(serve: Command, terminal: Terminal): void {
  addConfigurationOptions(serve, KEY_NAMES)
    .option('--no-agent', 'without the agent inside')
    .action(async (options, command: Command) => {
      const configuration = readConfiguration(options, terminal.environment);
      if (command.optsWithGlobals<GlobalOptions>().insecure !== true) refuseOpenPorts(configuration);
      const { runConductor } = await import('./run_conductor.ts');
      await runConductor(configuration, options.agent, terminal);
    });
}

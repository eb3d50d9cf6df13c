/** `countermand serve`: a conductor for keeps, with an agent inside. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import { hasMethods, type Methods } from '../../server/access/methods.ts';
import { DEFAULT_ADDRESS, isLoopback } from '../shared/address.ts';
import type { GlobalOptions } from '../shared/asking.ts';
import type { Terminal } from '../shared/terminal.ts';
import { addConfigurationOptions, type Configuration, configurationOf, readValues } from './configuration.ts';
import { KEY_NAMES } from './configuration_keys.ts';
import { methodsOf } from './methods.ts';

/**
 * @throws CONFIGURATION_INVALID if others could reach a port that is not made for that, and --insecure was not given: its
 *   traffic could be read and changed, or whoever reaches it could give orders
 */
function refuseOpenPorts({ listen, httpListen, tls }: Configuration, methods: Methods): void {
  const ports = { listen, http_listen: httpListen };
  for (const [key, address] of Object.entries(ports)) {
    if (address === null || isLoopback(address)) continue;
    const refuse = (why: string) => {
      const otherwise = `or use a loopback address such as ${key === 'listen' ? DEFAULT_ADDRESS : '127.0.0.1:7078, none'}, or --insecure`;
      return fail('CONFIGURATION_INVALID', `${key} is ${address}, ${why}, ${otherwise}`);
    };
    if (tls.certificate === null)
      throw refuse(
        "which other hosts reach, and in plaintext anyone on the way reads and changes what is sent there; give tls_certificate and tls_key, which 'countermand certificates init' makes",
      );
    if (!hasMethods(methods))
      throw refuse(
        'where others could give orders without authentication; give tls_client_ca, htpasswd_file, jwt_issuer and jwt_keys, or authentication: required',
      );
  }
}

/** Gives the command `serve` its options and its action. */
export function setUpServe(serve: Command, terminal: Terminal): void {
  addConfigurationOptions(serve, KEY_NAMES)
    .option('--no-agent', 'without the agent inside')
    .action(async (options, command: Command) => {
      const read = () => readValues(options, terminal.environment);
      const values = read();
      const configuration = configurationOf(values);
      const methods = methodsOf(configuration);
      if (command.optsWithGlobals<GlobalOptions>().insecure !== true) refuseOpenPorts(configuration, methods);
      const { runConductor } = await import('./run_conductor.ts');
      await runConductor({ ...configuration, methods }, options.agent, { values, read }, terminal);
    });
}

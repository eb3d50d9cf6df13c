/** `countermand agent`: the hardware driver daemon as a process of its own. */
import type { Command } from 'commander';
import { type Logger, pino } from 'pino';
import { type Attach, runAgent } from '../agent/agent.ts';
import { dialConductor } from '../agent/dial.ts';
import { createDrivers } from '../drivers/list.ts';
import { addressOf } from './asking.ts';
import { addConfigurationOptions, type Configuration, readConfiguration } from './configuration.ts';
import { keysReadBy } from './configuration_keys.ts';

import type { Terminal } from './terminal.ts';

/** Adds the command `agent`. */
export function addAgentCommand(program: Command, terminal: Terminal): void {
  const agent = program.command('agent').description('run an agent: the daemon beside the BMC network');
  addConfigurationOptions(agent, keysReadBy('agent')).action(async (options, command: Command) => {
    const configuration = readConfiguration(options, terminal.environment);
    const address = addressOf(command, terminal.environment);
    const log = pino({ level: configuration.logLevel, base: null }, terminal.stderr);
    const dialer = dialConductor(address);
    terminal.stdout.write(`countermand: agent for zone ${configuration.zone}, conductor at ${address}\n`);
    await runAgentHere(dialer.attach, false, configuration, log, terminal, terminal.signal);
    dialer.close();
  });
}

/** Runs an agent with all drivers in this process until `signal` is aborted, and until it has stopped sending. */
export function runAgentHere(
  attach: Attach,
  embedded: boolean,
  configuration: Configuration,
  log: Logger,
  { clock, chance, environment }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { agentName, zone, secretsFolder, minCommandIntervalMs } = configuration;
  const drivers = createDrivers({ clock, searchPath: environment.PATH ?? '' });
  const secrets = { folder: secretsFolder, environment };
  const parts = { attach, drivers, name: agentName, zones: [zone], embedded, secrets, minCommandIntervalMs };
  return runAgent({ ...parts, clock, chance, log }, signal);
}

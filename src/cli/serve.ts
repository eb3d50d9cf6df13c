/** `countermand serve`: a conductor for keeps, with an agent inside. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { pino } from 'pino';
import { dialConductor } from '../agent/dial.ts';
import { onAbort, openScope } from '../core/signals.ts';
import { startConductor } from '../server/conductor.ts';
import { listen } from '../server/grpc.ts';
import { openDatabase } from '../server/store/database.ts';
import { runAgentHere } from './agent.ts';
import { addConfigurationOptions, type Configuration, readConfiguration } from './configuration.ts';
import { KEY_NAMES } from './configuration_keys.ts';
import type { Terminal } from './terminal.ts';

/** Adds the command `serve`. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  const serve = program.command('serve').description('run a conductor, with an agent inside');
  addConfigurationOptions(serve, KEY_NAMES)
    .option('--no-agent', 'without the agent inside')
    .action((options) => serveUntilStopped(readConfiguration(options, terminal.environment), options.agent, terminal));
}

/** Logs go to stderr, one JSON object a line; stdout says only where the conductor is. */
async function serveUntilStopped(configuration: Configuration, withAgent: boolean, terminal: Terminal): Promise<void> {
  const { clock, chance, signal, stdout, stderr } = terminal;
  const log = pino({ level: configuration.logLevel, base: null }, stderr);
  const database = await openDatabase(configuration.dataFolder);
  const publisherId = `countermand-conductor.${hostname()}`;
  const store = { database, clock, chance, publisherId };
  const { agentLeaseMs } = configuration;
  const conductor = await startConductor({ store, limits: configuration, agentLeaseMs, log });
  try {
    const listener = await listen(conductor, configuration.listen, chance);
    const dialer = dialConductor(loopbackOf(configuration.listen, listener.port));
    const agentScope = openScope([]);
    const agent = withAgent ? runAgentHere(dialer.attach, true, configuration, log, terminal, agentScope.signal) : null;
    const address = configuration.listen.replace(/:\d+$/, `:${listener.port}`);
    stdout.write(`countermand: conductor on ${address}, data in ${configuration.dataFolder}\n`);
    await new Promise<void>((resolve) => onAbort(signal, () => resolve()));
    // The agent leaves first, while there is somebody to say farewell to.
    agentScope.abort(signal.reason);
    await agent;
    dialer.close();
    await conductor.stop();
    await listener.close();
  } finally {
    await conductor.stop();
    await database.close();
  }
}

/** Where a process finds itself: what listens everywhere is dialled on loopback. */
function loopbackOf(address: string, port: number): string {
  const host = address.replace(/:\d+$/, '');
  if (host === '0.0.0.0') return `127.0.0.1:${port}`;
  return host === '[::]' ? `[::1]:${port}` : `${host}:${port}`;
}

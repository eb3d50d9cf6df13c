/** The agent, put together from its parts: alone, or inside a conductor. It brings the drivers, and nothing of the conductor. */
import type { Logger } from 'pino';
import { type AgentParts, runAgent } from '../../agent/agent.ts';
import { dialConductor } from '../../agent/dial.ts';
import { createDrivers } from '../../drivers/list.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';

/** Runs an agent as a process of its own until the terminal's signal is aborted, and until it has stopped sending. */
export async function runAgentAlone(
  conductor: string,
  configuration: Configuration,
  terminal: Terminal,
): Promise<void> {
  const dialer = dialConductor(conductor);
  const log = openLog(configuration, terminal);
  terminal.stdout.write(`countermand: agent for zone ${configuration.zone}, conductor at ${conductor}\n`);
  await runAgentHere({ attach: dialer.attach, embedded: false }, configuration, log, terminal, terminal.signal);
  dialer.close();
}

/** Runs an agent in this process, over any way to a conductor, until `signal` is aborted and it has stopped sending. */
export function runAgentHere(
  how: Pick<AgentParts, 'attach' | 'embedded' | 'attached'>,
  configuration: Configuration,
  log: Logger,
  { clock, chance, environment, openFilesLimit }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { agentName: name, zone, secretsFolder, minCommandIntervalMs, ipmiKeepSessionMs } = configuration;
  const drivers = createDrivers({
    clock,
    chance,
    searchPath: environment.PATH ?? '',
    ipmiKeepSessionMs,
    openFilesLimit: openFilesLimit(),
  });
  const secrets = { folder: secretsFolder, environment };
  const parts = { name, zones: [zone], drivers, secrets, minCommandIntervalMs, clock, chance, log };
  return runAgent({ ...how, ...parts }, signal);
}

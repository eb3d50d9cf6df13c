/** The two daemons, put together from their parts. Only they need the heavy packages, so only they load this file. */

import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { type AgentParts, type Attach, runAgent } from '../agent/agent.ts';
import { dialConductor } from '../agent/dial.ts';
import { onAbort, openScope } from '../core/signals.ts';
import { createDrivers } from '../drivers/list.ts';
import { type Conductor, startConductor } from '../server/conductor.ts';
import { listen } from '../server/grpc.ts';
import { openDatabase } from '../server/store/database.ts';
import { Deadlines } from '../server/store/deadlines.ts';
import type { Configuration } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** Logs go to stderr, one JSON object a line; stdout says only where a daemon is. */
function openLog({ logLevel }: Configuration, { stderr }: Terminal): Logger {
  return pino({ level: logLevel, base: null }, stderr);
}

/**
 * Runs a conductor, with an agent inside if `withAgent`, until the terminal's signal is aborted.
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_NEWER, LISTEN_FAILED
 */
export async function runConductor(
  configuration: Configuration,
  withAgent: boolean,
  terminal: Terminal,
): Promise<void> {
  const { clock, chance, signal } = terminal;
  const log = openLog(configuration, terminal);
  const database = await openDatabase(configuration.dataFolder);
  const store = {
    database,
    clock,
    chance,
    deadlines: new Deadlines(clock),
    publisherId: `countermand-conductor.${hostname()}`,
  };
  const { agentLeaseMs, listen: address } = configuration;
  const conductor = await startConductor({ store, limits: configuration, agentLeaseMs, log });
  try {
    const listener = await listen(conductor, address, chance);
    const agent = withAgent ? startEmbeddedAgent(conductor, configuration, log, terminal) : null;
    const where = address.replace(/:\d+$/, `:${listener.port}`);
    const stopped = new Promise<void>((resolve) => onAbort(signal, () => resolve()));
    // Whoever reads this line can give orders: the agent is there.
    await Promise.race([agent?.attached, stopped]);
    terminal.stdout.write(`countermand: conductor on ${where}, data in ${configuration.dataFolder}\n`);
    await stopped;
    // The agent leaves first, while there is somebody to say farewell to.
    await agent?.stop();
    await conductor.stop();
    await listener.close();
  } finally {
    await conductor.stop();
    await database.close();
  }
}

/** The agent inside `serve` attaches as any other, but without a network in between. */
function startEmbeddedAgent({ attachments }: Conductor, configuration: Configuration, log: Logger, terminal: Terminal) {
  const attach: Attach = (outgoing, signal) => attachments.attach(outgoing, signal);
  const scope = openScope([]);
  let done = Promise.resolve();
  const attached = new Promise<void>((resolve) => {
    const inside = { attach, embedded: true, attached: resolve };
    done = runAgentHere(inside, configuration, log, terminal, scope.signal);
  });
  return {
    /** Resolves when it has attached for the first time. */
    attached,
    async stop(): Promise<void> {
      scope.abort(terminal.signal.reason);
      await done;
    },
  };
}

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

function runAgentHere(
  how: Pick<AgentParts, 'attach' | 'embedded' | 'attached'>,
  configuration: Configuration,
  log: Logger,
  { clock, chance, environment }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const { agentName: name, zone, secretsFolder, minCommandIntervalMs, ipmiKeepSessionMs } = configuration;
  const drivers = createDrivers({ clock, chance, searchPath: environment.PATH ?? '', ipmiKeepSessionMs });
  const secrets = { folder: secretsFolder, environment };
  const parts = { name, zones: [zone], drivers, secrets, minCommandIntervalMs, clock, chance, log };
  return runAgent({ ...how, ...parts }, signal);
}

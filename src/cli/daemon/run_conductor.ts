/** The conductor, put together from its parts. Only `serve` loads this file: it brings the database. */

import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Attach } from '../../agent/agent.ts';
import type { CountermandError } from '../../core/errors.ts';
import { onAbort, openScope } from '../../core/signals.ts';
import type { Door } from '../../http/door.ts';
import { listen } from '../../server/api/grpc.ts';
import { createServices, type Services } from '../../server/api/services.ts';
import { type Conductor, openStore, startConductor } from '../../server/conductor.ts';
import type { Database } from '../../server/store/database.ts';
import { openDatabase } from '../../server/store/sqlite/database.ts';
import { isLoopback } from '../shared/address.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';
import { runAgentHere } from './run_agent.ts';

/**
 * Runs a conductor, with an agent inside if `withAgent`, until the terminal's signal is aborted.
 * @throws DATA_FOLDER_IN_USE, DATA_FOLDER_UNUSABLE, DATABASE_NEWER, DATABASE_DAMAGED, DATABASE_UNUSABLE, DISK_FULL,
 *   LISTEN_FAILED; and DATABASE_TAKEN or DATABASE_DAMAGED when that happens while it runs
 */
export async function runConductor(
  configuration: Configuration,
  withAgent: boolean,
  terminal: Terminal,
): Promise<void> {
  const log = openLog(configuration, terminal);
  // Everything that this process makes is for its owner alone: the database and its log hold secrets.
  process.umask(0o077);
  const database = await openDatabase(configuration.dataFolder);
  try {
    await runOver(database, configuration, withAgent, log, terminal);
  } finally {
    await database.close();
  }
}

async function runOver(
  database: Database,
  configuration: Configuration,
  withAgent: boolean,
  log: Logger,
  terminal: Terminal,
): Promise<void> {
  const { clock, chance, signal } = terminal;
  const store = openStore({ database, clock, chance, publisherId: `countermand-conductor.${hostname()}` });
  const { agentLeaseMs, listen: address } = configuration;
  const conductor = await startConductor({ store, limits: configuration, agentLeaseMs, log });
  try {
    const services = createServices(conductor);
    const place = { address, openFilesLimit: terminal.openFilesLimit() };
    const listener = await listen(conductor, services, place, chance);
    const door = await openDoorOf(services, configuration, terminal).catch(async (error) => {
      await listener.close();
      throw error;
    });
    const agent = withAgent ? startEmbeddedAgent(conductor, configuration, log, terminal) : null;
    const where = address.replace(/:\d+$/, `:${listener.port}`);
    const stopped = new Promise<null>((resolve) => onAbort(signal, () => resolve(null)));
    const ended = Promise.race([stopped, database.lost]);
    // Whoever reads this line can give orders: the agent is there.
    await Promise.race([agent?.attached, ended]);
    if (door) terminal.stdout.write(`countermand: HTTP on ${door.address}\n`);
    terminal.stdout.write(`countermand: conductor on ${where}, data in ${configuration.dataFolder}\n`);
    const lost = await ended;
    // The agent leaves first, so that the conductor can still hear its farewell.
    await agent?.stop(lost ?? signal.reason);
    await conductor.stop();
    await Promise.all([listener.close(), door?.close()]);
    if (lost !== null) throw lost;
  } finally {
    await conductor.stop();
  }
}

/** The HTTP door, or null if it is off; its packages are loaded only if it is on. */
async function openDoorOf(
  services: Services,
  { httpListen: address }: Configuration,
  { openFilesLimit }: Terminal,
): Promise<Door | null> {
  if (address === null) return null;
  const { openDoor } = await import('../../http/door.ts');
  return openDoor(services, { address, onLoopback: isLoopback(address), openFilesLimit: openFilesLimit() });
}

/** The agent inside `serve` attaches as any other, but without a network in between. */
function startEmbeddedAgent({ attachments }: Conductor, configuration: Configuration, log: Logger, terminal: Terminal) {
  const attach: Attach = (outgoing, signal) => attachments.attach(outgoing, signal, true);
  const scope = openScope([]);
  let done = Promise.resolve();
  const attached = new Promise<void>((resolve) => {
    const inside = { attach, embedded: true, attached: resolve };
    done = runAgentHere(inside, configuration, log, terminal, scope.signal);
  });
  return {
    /** Resolves when it has attached for the first time. */
    attached,
    async stop(reason: CountermandError): Promise<void> {
      scope.abort(reason);
      await done;
    },
  };
}

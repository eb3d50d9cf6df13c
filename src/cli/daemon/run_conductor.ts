/** The conductor, put together from its parts. Only `serve` loads this file: it brings the database. */

import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Attach } from '../../agent/agent.ts';
import type { Clock } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import { onAbort, openCancellation } from '../../core/signals.ts';
import type { TlsSource } from '../../core/tls.ts';
import type { Door } from '../../http/door.ts';
import type { Identify } from '../../server/access/identity.ts';
import { hasMethods, type Methods } from '../../server/access/methods.ts';
import { listen } from '../../server/api/grpc.ts';
import { createServices, type Services } from '../../server/api/services.ts';
import { type Conductor, openStore, startConductor } from '../../server/conductor.ts';
import { isLoopback } from '../shared/address.ts';
import type { Terminal } from '../shared/terminal.ts';
import { readTlsFiles, type TlsFiles } from '../shared/tls_files.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';
import { type Opened, openConfigured } from './open_database.ts';
import { runAgentHere } from './run_agent.ts';
import { watchTls } from './tls_watch.ts';

/**
 * Runs a conductor, with an agent inside if `withAgent`, until the terminal's signal is aborted.
 * @throws CONFIGURATION_INVALID for TLS files that cannot be used; as `openConfigured`; LISTEN_FAILED; and DATABASE_TAKEN or
 *   DATABASE_DAMAGED when that happens while it runs
 */
export async function runConductor(
  configuration: Configuration & { readonly methods: Methods },
  withAgent: boolean,
  terminal: Terminal,
): Promise<void> {
  const log = openLog(configuration, terminal);
  // Everything that this process makes is for its owner alone: the database and its log hold secrets.
  process.umask(0o077);
  const cancellation = openCancellation([]);
  try {
    const tls = openTls(configuration.tls, log, terminal, cancellation.signal);
    const identifyBy = await openIdentify(configuration.methods, terminal.clock, log);
    const opened = await openConfigured(configuration, terminal);
    try {
      await runOver(opened, { ...configuration, tls, identifyBy }, withAgent, log, terminal);
    } finally {
      await opened.database.close();
    }
  } finally {
    cancellation.abort(fail('SHUTTING_DOWN', 'the conductor has stopped'));
    cancellation.end();
  }
}

const TLS_NAMES = { certificate: 'tls_certificate', key: 'tls_key', ca: 'tls_client_ca' };

/** What the ports show, watched; null if they speak plaintext. @throws CONFIGURATION_INVALID naming the file */
function openTls(files: TlsFiles, log: Logger, { clock }: Terminal, signal: AbortSignal): TlsSource | null {
  const refuse = (sentence: string) => fail('CONFIGURATION_INVALID', sentence);
  const read = () => readTlsFiles(files, TLS_NAMES, refuse);
  if (files.certificate !== null) return watchTls(read, { clock, log }, signal);
  read();
  return null;
}

/** Who calls, by the tokens of a conductor among others. */
type IdentifyBy = (tokens: Conductor['tokens']) => Identify;

/** The configuration with its files read. */
type Prepared = Omit<Configuration, 'tls'> & {
  readonly tls: TlsSource | null;
  readonly identifyBy: IdentifyBy | undefined;
};

async function runOver(
  { database, where: data }: Opened,
  configuration: Prepared,
  withAgent: boolean,
  log: Logger,
  terminal: Terminal,
): Promise<void> {
  const { clock, chance, signal } = terminal;
  const store = openStore({ database, clock, chance, publisherId: `countermand-conductor.${hostname()}` });
  const { agentLeaseMs, listen: address, tls, secondAgent } = configuration;
  const conductor = await startConductor({ store, limits: configuration, agentLeaseMs, log, secondAgent });
  try {
    const services = createServices(conductor, configuration.identifyBy?.(conductor.tokens));
    const place = { address, tls, openFilesLimit: terminal.openFilesLimit() };
    const listener = await listen(conductor, services, place, chance);
    const door = await openDoorOf(services, configuration, terminal).catch(async (error) => {
      await listener.close();
      throw error;
    });
    const agent = withAgent ? startEmbeddedAgent(conductor, configuration, log, terminal) : null;
    const where = address.replace(/:\d+$/, `:${listener.port}`);
    const { powerTasks, plans } = conductor.takenUp;
    log.info(
      { listen: where, power_tasks: powerTasks, plans },
      'the conductor serves, and has taken up what was under way',
    );
    const stopped = new Promise<null>((resolve) => onAbort(signal, () => resolve(null)));
    const ended = Promise.race([stopped, database.lost]);
    // Whoever reads this line can give orders: the agent is there.
    await Promise.race([agent?.attached, ended]);
    if (door) terminal.stdout.write(`countermand: HTTP on ${door.address}\n`);
    terminal.stdout.write(`countermand: conductor on ${where}, data in ${data}\n`);
    const lost = await ended;
    log.info({ reason: asCountermandError(lost ?? signal.reason).message }, 'the conductor stops');
    // The agent leaves first, so that the conductor can still hear its farewell.
    await agent?.stop(lost ?? signal.reason);
    await conductor.stop();
    await Promise.all([listener.close(), door?.close()]);
    log.info({}, 'the conductor has stopped');
    if (lost !== null) throw lost;
  } finally {
    await conductor.stop();
  }
}

/** Who calls; undefined if every caller is anonymous. What it takes is loaded only if it is used. */
async function openIdentify(methods: Methods, clock: Clock, log: Logger): Promise<IdentifyBy | undefined> {
  if (!hasMethods(methods)) return undefined;
  const { createAuthenticator } = await import('../../server/access/authenticator.ts');
  return createAuthenticator(methods, clock, log);
}

/** The HTTP door, or null if it is off; its packages are loaded only if it is on. */
async function openDoorOf(
  services: Services,
  { httpListen: address, tls }: Prepared,
  { openFilesLimit }: Terminal,
): Promise<Door | null> {
  if (address === null) return null;
  const { openDoor } = await import('../../http/door.ts');
  return openDoor(services, { address, tls, onLoopback: isLoopback(address), openFilesLimit: openFilesLimit() });
}

/** The agent inside `serve` attaches as any other, but without a network in between. */
function startEmbeddedAgent({ attachments }: Conductor, configuration: Prepared, log: Logger, terminal: Terminal) {
  const attach: Attach = (outgoing, signal) => attachments.attach(outgoing, signal, { embedded: true, identity: null });
  const cancellation = openCancellation([]);
  let done = Promise.resolve();
  const attached = new Promise<void>((resolve) => {
    const inside = { attach, embedded: true, attached: resolve };
    done = runAgentHere(inside, configuration, log, terminal, cancellation.signal);
  });
  return {
    /** Resolves when it has attached for the first time. */
    attached,
    async stop(reason: CountermandError): Promise<void> {
      cancellation.abort(reason);
      await done;
    },
  };
}

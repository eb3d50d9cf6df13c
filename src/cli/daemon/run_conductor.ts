/** The conductor, put together from its parts. Only `serve` loads this file: it brings the database. */

import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.ts';
import { asCountermandError, type CountermandError, fail } from '../../core/errors.ts';
import { onAbort, openCancellation } from '../../core/signals.ts';
import type { TlsSource } from '../../core/tls.ts';
import type { Access } from '../../server/access/access.ts';
import { hasMethods, type Methods } from '../../server/access/methods.ts';
import { Front } from '../../server/api/front.ts';
import type { Terminal } from '../shared/terminal.ts';
import { readTlsFiles, type TlsFiles } from '../shared/tls_files.ts';
import { watchAccess } from './access_watch.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';
import { type Opened, openConfigured } from './open_database.ts';
import { openPorts, type Ports } from './ports.ts';
import { startTerm, type TermParts } from './term.ts';
import { watchTls } from './tls_watch.ts';

/**
 * Runs a conductor, with an agent inside if `withAgent`, until the terminal's signal is aborted.
 * @throws CONFIGURATION_INVALID for TLS files, or a file of roles, that cannot be used; as `openConfigured`; LISTEN_FAILED; and DATABASE_TAKEN or
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
    const access = watchAccess(configuration.accessFile, { clock: terminal.clock, log }, cancellation.signal);
    const opened = await openConfigured(configuration, terminal);
    try {
      await runOver(opened, { ...configuration, tls, identifyBy, access }, withAgent, log, terminal);
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
type IdentifyBy = NonNullable<TermParts['identifyBy']>;

/** The configuration with its files read. */
type Prepared = Omit<Configuration, 'tls'> & {
  readonly tls: TlsSource | null;
  readonly identifyBy: IdentifyBy | undefined;
  readonly access: Access;
};

async function runOver(
  { database, where: data }: Opened,
  configuration: Prepared,
  withAgent: boolean,
  log: Logger,
  terminal: Terminal,
): Promise<void> {
  const { clock, chance, signal, stdout } = terminal;
  const { identifyBy, access } = configuration;
  const front = new Front({ log, clock, chance }, { error: NOT_YET, http: null });
  const mandate = { database, objection: () => null, over: database.lost };
  const term = await startTerm(mandate, { configuration, identifyBy, access, withAgent, front, log, terminal });
  const stopped = new Promise<null>((resolve) => onAbort(signal, () => resolve(null)));
  const ended = Promise.race([stopped, mandate.over]);
  let ports: Ports | null = null;
  let lost: CountermandError | null = null;
  try {
    ports = await openPorts(front, { ...configuration, openFilesLimit: terminal.openFilesLimit() });
    // Whoever reads this line can give orders: the agent is there.
    await Promise.race([term.attached, ended]);
    log.info({ listen: ports.grpc }, 'the ports are open');
    if (ports.http) stdout.write(`countermand: HTTP on ${ports.http}\n`);
    stdout.write(`countermand: conductor on ${ports.grpc}, data in ${data}\n`);
    lost = await ended;
    log.info({ reason: asCountermandError(lost ?? signal.reason).message }, 'the conductor stops');
  } finally {
    await (lost === null ? term.end({ error: STOPS, http: null }) : term.drop({ error: lost, http: null }));
    await ports?.close();
  }
  log.info({}, 'the conductor has stopped');
  if (lost !== null) throw lost;
}

const NOT_YET = fail('SHUTTING_DOWN', 'the conductor has not started yet');
const STOPS = fail('SHUTTING_DOWN', 'the conductor is shutting down; its work is carried on after the next start');

/** Who calls; undefined if every caller is anonymous. What it takes is loaded only if it is used. */
async function openIdentify(methods: Methods, clock: Clock, log: Logger): Promise<IdentifyBy | undefined> {
  if (!hasMethods(methods)) return undefined;
  const { createAuthenticator } = await import('../../server/access/authenticator.ts');
  return createAuthenticator(methods, clock, log);
}

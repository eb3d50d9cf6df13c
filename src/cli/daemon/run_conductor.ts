/** The conductor, put together from its parts. Only `serve` loads this file: it brings the database. */

import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { openCancellation } from '../../core/signals.ts';
import type { TlsSource } from '../../core/tls.ts';
import { hasMethods, type Methods } from '../../server/access/methods.ts';
import { Front } from '../../server/api/front.ts';
import { MetricRegistry } from '../../server/metrics/registry.ts';
import type { Terminal } from '../shared/terminal.ts';
import { openTlsFiles, type TlsFiles } from '../shared/tls_files.ts';
import { watchAccess } from './access_watch.ts';
import { readClouds } from './clouds.ts';
import type { Configuration } from './configuration.ts';
import { Ending, endLimitMs } from './ending.ts';
import { openLog } from './log.ts';
import type { OpenTraces } from './otlp.ts';
import { LiveConfiguration, type Rereading } from './reload.ts';
import { openAgentFiles } from './run_agent.ts';
import { runAlone } from './run_alone.ts';
import { runAmongOthers } from './run_among_others.ts';
import { openSinkMakers } from './sinks.ts';
import type { TermParts } from './term.ts';
import { watchTls } from './tls_watch.ts';
import { openTraces } from './traces.ts';
import { openVault } from './vault.ts';

/**
 * Runs a conductor, with an agent inside if `withAgent`, until the terminal's signal is aborted.
 * @throws CONFIGURATION_INVALID for TLS files, a file of roles, of clouds or of `sink_access`, or one of the agent inside, that cannot be used;
 *   as `runAlone` and `runAmongOthers`
 */
export async function runConductor(
  configuration: Configuration & { readonly methods: Methods },
  withAgent: boolean,
  rereading: Rereading,
  terminal: Terminal,
): Promise<void> {
  const live = new LiveConfiguration(rereading);
  const log = openLog(configuration, live, terminal);
  // Everything that this process makes is for its owner alone: the database and its log hold secrets.
  process.umask(0o077);
  const cancellation = openCancellation([]);
  const ending = new Ending();
  let traces: OpenTraces | null = null;
  try {
    const tls = openTls(configuration.tls, log, terminal, cancellation.signal);
    const identifyBy = await openIdentify(configuration.methods, terminal.clock, log);
    const { clock, chance } = terminal;
    const access = watchAccess(configuration.accessFile, { clock, log }, cancellation.signal);
    const agentFiles = withAgent ? openAgentFiles(configuration, clock) : null;
    const { clouds, watched } = readClouds(configuration.cloudsFile, clock);
    const registry = new MetricRegistry();
    registry.countProcess();
    traces = await openTraces(configuration, 'countermand', terminal, log);
    const front = new Front({ log, clock, chance, registry, traces }, { error: NOT_YET, grpc: null, http: null });
    // A pipe with a login is read once, so both have one Vault.
    const vault = agentFiles === null ? openVault(configuration.vault, clock) : agentFiles.vault;
    const sinks = openSinkMakers(configuration, vault, terminal);
    const callers = { identifyBy, access };
    const logLevel = live.levelOf(log);
    const own = {
      agentFiles,
      front,
      registry,
      retention: () => live.retention,
      log,
      logLevel,
      terminal,
      traces,
      ending,
    };
    const parts = { configuration, tls, ...callers, clouds, watched, sinks, ...own };
    const running =
      configuration.databaseUrl === null ? runAlone(parts) : runAmongOthers(configuration.databaseUrl, parts);
    const { signal } = terminal;
    const limitMs = endLimitMs(configuration.drainTimeoutMs);
    await ending.within(running, { clock, log, signal, limitMs, abandon: () => terminal.abandon() });
  } finally {
    cancellation.abort(fail('SHUTTING_DOWN', 'the conductor has stopped'));
    cancellation.end();
    await traces?.close();
    log.flush();
  }
}

const NOT_YET = fail('NOT_LEADING', 'the conductor has just been started, and does not know yet who leads; try again');

const TLS_NAMES = { certificate: 'tls_certificate', key: 'tls_key', ca: 'tls_client_ca' };

/** What the ports show, watched; null if they speak plaintext. @throws CONFIGURATION_INVALID naming the file */
function openTls(files: TlsFiles, log: Logger, { clock }: Terminal, signal: AbortSignal): TlsSource | null {
  const refuse = (sentence: string) => fail('CONFIGURATION_INVALID', sentence);
  const read = openTlsFiles(files, TLS_NAMES, refuse);
  if (files.certificate !== null) return watchTls(read, { clock, log }, signal);
  read();
  return null;
}

/** Who calls, by the tokens of a conductor among others. */
type IdentifyBy = NonNullable<TermParts['identifyBy']>;

/** Who calls; undefined if every caller is anonymous. What it takes is loaded only if it is used. */
async function openIdentify(methods: Methods, clock: Clock, log: Logger): Promise<IdentifyBy | undefined> {
  if (!hasMethods(methods)) return undefined;
  const { createAuthenticator } = await import('../../server/access/authenticator.ts');
  return createAuthenticator(methods, clock, log);
}

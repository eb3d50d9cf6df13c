/** The agent, put together from its parts: alone, or inside a conductor. It brings the drivers, and nothing of the conductor. */
import type { Logger } from 'pino';
import { type AgentParts, runAgent } from '../../agent/agent.ts';
import type { BmcAccess } from '../../agent/bmc_access.ts';
import { dialConductor, dialConductors } from '../../agent/dial.ts';
import type { Vault } from '../../agent/vault.ts';
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { openCancellation } from '../../core/signals.ts';
import { createDrivers } from '../../drivers/list.ts';
import { addressesIn, areAddresses } from '../shared/address.ts';
import { keepSecret, openToken, speaksTls } from '../shared/place.ts';
import type { Terminal } from '../shared/terminal.ts';
import { openTlsFiles } from '../shared/tls_files.ts';
import { readBmcAccess } from './bmc_access.ts';
import type { Configuration } from './configuration.ts';
import { openLog } from './log.ts';
import { LiveConfiguration, type Rereading } from './reload.ts';
import { watchTls } from './tls_watch.ts';
import { openTraces } from './traces.ts';
import { openVault } from './vault.ts';

/** Where the conductor of an agent is. */
interface ConductorPlace {
  /** HOST:PORT, or several with commas between them. */
  readonly address: string;
  /** It is spoken to in plaintext, wherever it is. */
  readonly insecure: boolean;
}

/**
 * Runs an agent as a process of its own until the terminal's signal is aborted, and until it has stopped sending.
 * @throws CONFIGURATION_INVALID for TLS files or a token that cannot be used
 */
export async function runAgentAlone(
  { address, insecure }: ConductorPlace,
  configuration: Configuration,
  rereading: Rereading,
  terminal: Terminal,
): Promise<void> {
  if (!areAddresses(address))
    throw fail(
      'CONFIGURATION_INVALID',
      `--conductor ${address}: it must be HOST:PORT, or several with commas between them`,
    );
  const log = openLog(configuration, new LiveConfiguration(rereading), terminal);
  const { agentTls: files, serverName } = configuration;
  const refuse = (sentence: string) => fail('CONFIGURATION_INVALID', sentence);
  const read = openTlsFiles(files, TLS_NAMES, refuse);
  const isSecure = speaksTls({ address, files, serverName, insecure });
  const { tokenFile } = configuration;
  const tokenNow = tokenFile === null ? () => null : openToken(tokenFile, 'token_file', refuse);
  if (tokenNow() !== null) keepSecret(address, isSecure, refuse);
  // The watching of the files must not outlive an agent that fails.
  const watching = openCancellation([]);
  const traces = await openTraces(configuration, 'countermand-agent', terminal, log);
  try {
    const tls = isSecure ? { ...watchTls(read, { clock: terminal.clock, log }, watching.signal), serverName } : null;
    const addresses = addressesIn(address);
    const dialer = dialConductors(addresses, (one) => dialConductor(one, tls, tokenNow), terminal.clock);
    try {
      terminal.stdout.write(`countermand: agent for zone ${configuration.zone}, conductor at ${address}\n`);
      const attached = terminal.started;
      const how = { attach: dialer.attach, embedded: false, severalConductors: addresses.length > 1, attached, traces };
      await runAgentHere(
        how,
        configuration,
        openAgentFiles(configuration, terminal.clock),
        log,
        terminal,
        terminal.signal,
      );
    } finally {
      dialer.close();
    }
  } finally {
    watching.abort(fail('SHUTTING_DOWN', 'the agent has stopped'));
    watching.end();
    await traces.close();
    log.flush();
  }
}

const TLS_NAMES = { certificate: 'certificate', key: 'key', ca: 'ca' };

/** What an agent reads from files at its start. */
export interface AgentFiles {
  readonly vault: Vault | null;
  readonly bmcAccess: BmcAccess | null;
}

/** Reads them, once for a process: a conductor that takes over long after its start must not find out then that one is wrong. @throws CONFIGURATION_INVALID */
export function openAgentFiles({ vault, bmcAccess }: Omit<Configuration, 'tls'>, clock: Clock): AgentFiles {
  return { vault: openVault(vault, clock), bmcAccess: readBmcAccess(bmcAccess) };
}

/** Runs an agent in this process, over any way to a conductor, until `signal` is aborted and it has stopped sending. */
export function runAgentHere(
  how: Pick<AgentParts, 'attach' | 'embedded' | 'attached' | 'leadsForMs' | 'severalConductors' | 'traces'>,
  configuration: Omit<Configuration, 'tls'>,
  { vault, bmcAccess }: AgentFiles,
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
    bmcCaFolder: configuration.bmcCaFolder,
    openFilesLimit: openFilesLimit(),
  });
  const secrets = { folder: secretsFolder, environment, vault };
  const parts = { name, zones: [zone], drivers, secrets, bmcAccess, minCommandIntervalMs, clock, chance, log };
  return runAgent({ ...how, ...parts }, signal);
}

/** What `countermand sim irmc` can be told. */
import { fail } from '../../core/errors.ts';
import { type HostSettings, QUICK_HOST } from '../../sim/host.ts';
import type { IrmcPorts } from '../../sim/irmc/fleet.ts';
import type { IrmcLogin, SnmpAuthProtocol, SnmpLogin } from '../../sim/irmc/logins.ts';
import type { IrmcGeneration } from '../../sim/irmc/sim_irmc.ts';
import type { Environment } from '../shared/terminal.ts';
import {
  type FleetOptions,
  type FleetSettings,
  type HostOptions,
  mustHaveBytes,
  readFaulty,
  readFleet,
  readHost,
  readNumber,
  readSpanMs,
} from './flags.ts';
import { type IdentityFiles, readFiles } from './identity.ts';
import { type IrmcFaultOptions, type IrmcFaultSettings, readIrmcFaults } from './irmc_faults.ts';

/** What may be read over SNMP with: the community, and the passwords of the user of v3. */
export const SNMP_VARIABLES = {
  community: 'COUNTERMAND_SIM_SNMP_COMMUNITY',
  authPassword: 'COUNTERMAND_SIM_SNMP_AUTH_PASSWORD',
  privPassword: 'COUNTERMAND_SIM_SNMP_PRIV_PASSWORD',
} as const;
const SNMP_DEFAULTS = { community: 'public', authPassword: 'authentic', privPassword: 'encrypted' } as const;
/** An SNMPv3 password is no shorter (RFC 3414 section 11.2). */
const SHORTEST_PASSWORD = 8;
/** The user of SNMPv3. */
export const SNMP_USER = 'reader';

/** The ports of the first node, unless something else is said. */
export const FIRST_PORTS: IrmcPorts = { web: 8480, snmp: 16_100, ipmi: 16_230 };
/** What IPMI has room for: the login is the same. */
const LONGEST = { username: 16, password: 20 };
/** The generations that can be asked for. */
export const GENERATIONS = ['S4', 'S5', 'S6'] as const satisfies readonly IrmcGeneration[];
/** The versions of SNMP. */
export const SNMP_VERSIONS = ['v1', 'v2c', 'v3'] as const;

/** Long enough to be watched and taken back, short enough to be waited for. */
export const USUAL_HOST: HostSettings = {
  ...QUICK_HOST,
  pendingMs: 10_000,
  softMs: 5000,
  resetMs: 1000,
  selfTestMs: 2000,
  osBootMs: 3000,
};

/** The flags, as commander gives them. */
export interface IrmcOptions extends FleetOptions, HostOptions, IrmcFaultOptions {
  readonly firstSnmpPort: string;
  readonly firstIpmiPort: string;
  readonly generation: IrmcGeneration;
  readonly auth: 'basic' | 'digest';
  readonly snmpVersion: (typeof SNMP_VERSIONS)[number];
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly resetShows: HostSettings['resetShows'];
  readonly reset: string;
}

/** What the simulator imitates. */
export interface SimIrmcSettings {
  readonly fleet: FleetSettings;
  readonly firstPorts: IrmcPorts;
  readonly host: ReturnType<typeof readHost>;
  /** What the faulty ones have; null if all are healthy. */
  readonly faults: IrmcFaultSettings | null;
  /** Their numbers, from 1. */
  readonly faulty: ReadonlySet<number>;
  readonly generation: IrmcGeneration;
  readonly method: IrmcLogin['methods'][number];
  readonly snmp: SnmpLogin & { readonly community: string; readonly user: NonNullable<SnmpLogin['user']> };
  /** Which of them the user chose; they are not shown. */
  readonly snmpSecrets: ReadonlySet<keyof typeof SNMP_VARIABLES>;
  /** What the driver is told to use. */
  readonly snmpVersion: (typeof SNMP_VERSIONS)[number];
  /** The files of the key and the certificate; null for http. */
  readonly tls: IdentityFiles | null;
}

/** Reads all flags of `sim irmc`. @throws ARGUMENT_INVALID naming the flag or the variable */
export function readSettings(options: IrmcOptions, environment: Environment): SimIrmcSettings {
  const fleet = readFleet(options, environment);
  mustHaveBytes(fleet.username, LONGEST.username, '--username');
  // The password itself does not stand in what is said of it.
  mustHaveBytes(fleet.password, LONGEST.password, 'the password');
  const faults = readIrmcFaults(options);
  const { power, settings } = readHost(options, USUAL_HOST);
  const reset = { resetShows: options.resetShows, resetMs: readSpanMs(options.reset, '--reset') };
  return {
    fleet,
    firstPorts: readPorts(options, fleet),
    host: { power, settings: { ...settings, ...reset } },
    faults,
    faulty: faults === null ? new Set() : readFaulty(options.faulty, fleet.nodes),
    generation: options.generation,
    method: options.auth,
    snmpVersion: options.snmpVersion,
    ...readSnmp(options.generation, environment),
    tls: readTls(options),
  };
}

function readPorts(options: IrmcOptions, { nodes, firstPort }: FleetSettings): IrmcPorts {
  const last = 65_536 - nodes;
  const snmp = readNumber(options.firstSnmpPort, 0, last, '--first-snmp-port');
  const ipmi = readNumber(options.firstIpmiPort, 0, last, '--first-ipmi-port');
  if (snmp > 0 && ipmi > 0 && Math.abs(snmp - ipmi) < nodes)
    throw fail(
      'ARGUMENT_INVALID',
      `--first-ipmi-port: ${nodes} UDP ports from ${ipmi} overlap with those from ${snmp}`,
    );
  return { web: firstPort, snmp, ipmi };
}

function readSnmp(generation: IrmcGeneration, environment: Environment): Pick<SimIrmcSettings, 'snmp' | 'snmpSecrets'> {
  const names = Object.keys(SNMP_VARIABLES) as (keyof typeof SNMP_VARIABLES)[];
  const read = (name: keyof typeof SNMP_VARIABLES): string => environment[SNMP_VARIABLES[name]] ?? SNMP_DEFAULTS[name];
  for (const name of ['authPassword', 'privPassword'] as const)
    if (read(name).length < SHORTEST_PASSWORD)
      throw fail('ARGUMENT_INVALID', `${SNMP_VARIABLES[name]} has less than ${SHORTEST_PASSWORD} characters`);
  // S4 and S5 know SHA-1 only, S6 knows the others only.
  const authProtocol: SnmpAuthProtocol = generation === 'S6' ? 'sha256' : 'sha';
  const passwords = { authPassword: read('authPassword'), privPassword: read('privPassword') };
  return {
    snmp: { community: read('community'), user: { name: SNMP_USER, authProtocol, ...passwords } },
    snmpSecrets: new Set(names.filter((name) => environment[SNMP_VARIABLES[name]] !== undefined)),
  };
}

function readTls(options: IrmcOptions): SimIrmcSettings['tls'] {
  const files = readFiles(options);
  if (files === null && options.generation === 'S6')
    throw fail('ARGUMENT_INVALID', '--generation: an S6 speaks https only; give --tls-key and --tls-cert, or take S5');
  return files;
}

/** What `countermand sim redfish` can be told. */
import { fail } from '../../core/errors.ts';
import { type HostSettings, QUICK_HOST } from '../../sim/host.ts';
import type { LISTINGS, RedfishFaults } from '../../sim/redfish/faults.ts';
import { TREES, type TreeName } from '../../sim/redfish/trees.ts';
import type { Environment } from '../shared/terminal.ts';
import {
  type FleetOptions,
  type FleetSettings,
  type HostOptions,
  readFaulty,
  readFleet,
  readHost,
  readNumber,
} from './flags.ts';
import { type IdentityFiles, readFiles } from './identity.ts';
import { type ReadRedfishFaults, type RedfishFaultOptions, readRedfishFaults } from './redfish_faults.ts';

/** The port of the first node, unless something else is said. */
export const FIRST_REDFISH_PORT = 8000;
/** More than any BMC has. */
const MOST_SYSTEMS = 16;

/** Long enough to be watched, short enough to be waited for. */
export const USUAL_REDFISH_HOST: HostSettings = { ...QUICK_HOST, softMs: 5000, selfTestMs: 2000, osBootMs: 3000 };

/** What the System is that is there beside those that can be used. */
export const SECONDS = ['without-reset', 'away'] as const;
/** The versions of TLS, as Node.js numbers them. */
export const TLS_VERSIONS = ['1.0', '1.1', '1.2', '1.3'] as const;

/** The flags, as commander gives them. */
export interface RedfishOptions extends FleetOptions, HostOptions, RedfishFaultOptions {
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly like?: string;
  readonly systems?: string;
  readonly listing?: (typeof LISTINGS)[number];
  readonly resetTypes?: string;
  readonly transitions?: boolean;
  readonly second?: (typeof SECONDS)[number];
  readonly unordered?: boolean;
  readonly tlsVersion?: (typeof TLS_VERSIONS)[number];
}

/** What the simulator imitates. */
export interface SimRedfishSettings {
  readonly fleet: FleetSettings;
  readonly host: ReturnType<typeof readHost>;
  /** The recording whose pages all have; null for pages of our own. */
  readonly like: TreeName | null;
  /** How many Systems each BMC has, unless it is like a recording. */
  readonly systems: number;
  /** A System more, listed first; null if there is none. */
  readonly second: (typeof SECONDS)[number] | null;
  readonly unordered: boolean;
  /** What all have. */
  readonly traits: Partial<RedfishFaults>;
  /** What the faulty ones have beside that; null if all are healthy. */
  readonly faults: ReadRedfishFaults | null;
  /** Their numbers, from 1. */
  readonly faulty: ReadonlySet<number>;
  /** The files of the key and the certificate; null for http. */
  readonly tls: IdentityFiles | null;
  /** The only TLS version that is spoken; null for what Node.js speaks. */
  readonly tlsVersion: (typeof TLS_VERSIONS)[number] | null;
}

/** Reads all flags of `sim redfish`. @throws ARGUMENT_INVALID naming the flag */
export function readRedfishSettings(options: RedfishOptions, environment: Environment): SimRedfishSettings {
  const fleet = readFleet(options, environment);
  const faults = readRedfishFaults(options);
  return {
    fleet,
    host: readHost(options, USUAL_REDFISH_HOST),
    like: readLike(options),
    systems: readNumber(options.systems ?? '1', 1, MOST_SYSTEMS, '--systems'),
    second: options.second ?? null,
    unordered: options.unordered ?? false,
    traits: readTraits(options),
    faults,
    faulty: faults === null ? new Set() : readFaulty(options.faulty, fleet.nodes),
    tls: readFiles(options),
    tlsVersion: readTlsVersion(options),
  };
}

/** What a recording says is not said by a flag as well. */
function readLike({ like, systems, second, unordered, listing, resetTypes }: RedfishOptions): TreeName | null {
  if (like === undefined) return null;
  const parts = { '--systems': systems, '--second': second, '--unordered': unordered, '--listing': listing };
  const given = Object.entries({ ...parts, '--reset-types': resetTypes });
  const [flag] = given.find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return treeNamed(like);
  throw fail('ARGUMENT_INVALID', `${flag} cannot be given with --like: it is as recorded`);
}

/** The recording with this name, or the only one whose name begins so. */
function treeNamed(word: string): TreeName {
  const names = Object.keys(TREES) as TreeName[];
  const found = names.filter((name) => name === word || (word !== '' && name.startsWith(`${word}-`)));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const possible = (found.length === 0 ? names : found).join(', ');
  throw fail('ARGUMENT_INVALID', `--like: '${word}' names ${found.length} recordings; possible are ${possible}`);
}

function readTraits({ listing, resetTypes, transitions = false }: RedfishOptions): Partial<RedfishFaults> {
  const words = resetTypes?.split(',');
  if (words?.some((word) => !/^[A-Za-z]+$/.test(word)))
    throw fail('ARGUMENT_INVALID', `--reset-types: '${resetTypes}' is no list such as On,ForceOff,GracefulShutdown`);
  return {
    ...(listing !== undefined && { listing }),
    ...(words !== undefined && { resetTypes: words }),
    showsTransitions: transitions,
  };
}

function readTlsVersion({ tlsVersion, tlsKey }: RedfishOptions): SimRedfishSettings['tlsVersion'] {
  if (tlsVersion === undefined) return null;
  if (tlsKey !== undefined) return tlsVersion;
  throw fail('ARGUMENT_INVALID', '--tls-version is about https, and needs --tls-key and --tls-cert');
}

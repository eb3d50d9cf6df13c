/** What `countermand sim redfish` can be told. */
import { fail } from '../core/errors.ts';
import { type HostSettings, QUICK_HOST } from '../sim/host.ts';
import { HEALTHY_REDFISH, type LISTINGS, type OrderFault, type RedfishFaults } from '../sim/redfish/faults.ts';
import {
  type FleetOptions,
  type FleetSettings,
  type HostOptions,
  readFaulty,
  readFleet,
  readHost,
  readNumber,
  readSpanMs,
} from './sim_flags.ts';
import type { Environment } from './terminal.ts';

/** The port of the first node, unless something else is said. */
export const FIRST_REDFISH_PORT = 8000;
/** More than any BMC has. */
const MOST_SYSTEMS = 16;

/** Long enough to be watched, short enough to be waited for. */
export const USUAL_REDFISH_HOST: HostSettings = { ...QUICK_HOST, softMs: 5000, selfTestMs: 2000, osBootMs: 3000 };

/** The words of `--pages`. In a word of the command line a space is a hyphen. */
export const PAGE_FAULTS = {
  stalls: 'stalls',
  unavailable: 'unavailable',
  redirects: 'redirects',
  resets: 'resets',
  truncated: 'truncated',
  endless: 'endless',
  huge: 'huge',
  malformed: 'malformed',
  'a-page': 'a page',
  nested: 'nested',
  'no-value': 'no value',
} as const satisfies Record<string, RedfishFaults['pages']>;

/** The flags, as commander gives them. */
export interface RedfishOptions extends FleetOptions, HostOptions {
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly systems: string;
  readonly listing: (typeof LISTINGS)[number];
  readonly resetTypes?: string;
  readonly transitions?: boolean;
  readonly faulty?: string;
  readonly order?: Exclude<OrderFault, 'none'>;
  readonly late?: string;
  readonly pages?: keyof typeof PAGE_FAULTS;
  readonly powerState?: string;
  readonly chassisLag?: string;
  readonly sessions?: string;
  /** False with `--no-basic`. */
  readonly basic: boolean;
}

/** What is to be pretended. */
export interface SimRedfishSettings {
  readonly fleet: FleetSettings;
  readonly host: ReturnType<typeof readHost>;
  /** How many Systems each BMC has. */
  readonly systems: number;
  readonly healthy: RedfishFaults;
  /** What the faulty ones have; null if all are healthy. */
  readonly faults: RedfishFaults | null;
  /** Their numbers, from 1. */
  readonly faulty: ReadonlySet<number>;
  /** The files of the key and the certificate; null for http. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
}

/** Reads all flags of `sim redfish`. @throws ARGUMENT_INVALID naming the flag */
export function readRedfishSettings(options: RedfishOptions, environment: Environment): SimRedfishSettings {
  const fleet = readFleet(options, environment);
  const healthy = readHealthy(options);
  const faults = readFaults(options, healthy);
  return {
    fleet,
    host: readHost(options, USUAL_REDFISH_HOST),
    systems: readNumber(options.systems, 1, MOST_SYSTEMS, '--systems'),
    healthy,
    faults,
    faulty: faults === null ? new Set() : readFaulty(options.faulty, fleet.nodes),
    tls: readTls(options),
  };
}

function readHealthy({ listing, resetTypes, transitions = false }: RedfishOptions): RedfishFaults {
  const words = resetTypes?.split(',') ?? HEALTHY_REDFISH.resetTypes;
  if (words.some((word) => !/^[A-Za-z]+$/.test(word)))
    throw fail('ARGUMENT_INVALID', `--reset-types: '${resetTypes}' is no list such as On,ForceOff,GracefulShutdown`);
  return { ...HEALTHY_REDFISH, listing, resetTypes: words, showsTransitions: transitions };
}

const FAULT_FLAGS = ['order', 'late', 'pages', 'powerState', 'chassisLag', 'sessions'] as const;

function readFaults(options: RedfishOptions, healthy: RedfishFaults): RedfishFaults | null {
  const { order, late, pages, powerState, chassisLag = '0', sessions = '8', basic, faulty } = options;
  if (basic && FAULT_FLAGS.every((name) => options[name] === undefined)) {
    if (faulty === undefined) return null;
    throw fail(
      'ARGUMENT_INVALID',
      '--faulty says which nodes have faults, but no fault is given, such as --order late',
    );
  }
  if (late !== undefined && order !== 'late')
    throw fail('ARGUMENT_INVALID', '--late says how late an answer is, and needs --order late');
  return {
    ...healthy,
    order: order ?? 'none',
    ...(late !== undefined && { lateMs: readSpanMs(late, '--late') }),
    ...(pages !== undefined && { pages: PAGE_FAULTS[pages] }),
    powerState: powerState === 'null' ? null : powerState,
    chassisLagMs: readSpanMs(chassisLag, '--chassis-lag'),
    maxSessions: readNumber(sessions, 0, 1000, '--sessions'),
    basic,
  };
}

function readTls({ tlsKey: key, tlsCert: cert }: RedfishOptions): SimRedfishSettings['tls'] {
  if (key !== undefined && cert !== undefined) return { key, cert };
  if (key === undefined && cert === undefined) return null;
  throw fail('ARGUMENT_INVALID', '--tls-key and --tls-cert go together, and only one of them is given');
}

/** What `countermand sim redfish` can be told. */
import { fail } from '../../core/errors.ts';
import { type HostSettings, QUICK_HOST } from '../../sim/host.ts';
import type { LISTINGS, OrderFault, RedfishFaults } from '../../sim/redfish/faults.ts';
import type { TreeName } from '../../sim/redfish/trees.ts';
import type { Environment } from '../shared/terminal.ts';
import {
  type FleetOptions,
  type FleetSettings,
  type HostOptions,
  readFaulty,
  readFleet,
  readHost,
  readNumber,
  readSpanMs,
} from './flags.ts';

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
  readonly like?: TreeName;
  readonly systems?: string;
  readonly listing?: (typeof LISTINGS)[number];
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

/** What the simulator imitates. */
export interface SimRedfishSettings {
  readonly fleet: FleetSettings;
  readonly host: ReturnType<typeof readHost>;
  /** The recording whose pages all have; null for pages of our own. */
  readonly like: TreeName | null;
  /** How many Systems each BMC has, unless it is like a recording. */
  readonly systems: number;
  /** What all have. */
  readonly traits: Partial<RedfishFaults>;
  /** What the faulty ones have beside that; null if all are healthy. */
  readonly faults: Partial<RedfishFaults> | null;
  /** Their numbers, from 1. */
  readonly faulty: ReadonlySet<number>;
  /** The files of the key and the certificate; null for http. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
}

/** Reads all flags of `sim redfish`. @throws ARGUMENT_INVALID naming the flag */
export function readRedfishSettings(options: RedfishOptions, environment: Environment): SimRedfishSettings {
  const fleet = readFleet(options, environment);
  const faults = readFaults(options);
  return {
    fleet,
    host: readHost(options, USUAL_REDFISH_HOST),
    like: readLike(options),
    systems: readNumber(options.systems ?? '1', 1, MOST_SYSTEMS, '--systems'),
    traits: readTraits(options),
    faults,
    faulty: faults === null ? new Set() : readFaulty(options.faulty, fleet.nodes),
    tls: readTls(options),
  };
}

/** What a recording says is not said by a flag as well. */
function readLike({ like, systems, listing, resetTypes }: RedfishOptions): TreeName | null {
  if (like === undefined) return null;
  const given = Object.entries({ '--systems': systems, '--listing': listing, '--reset-types': resetTypes });
  const [flag] = given.find(([, value]) => value !== undefined) ?? [];
  if (flag === undefined) return like;
  throw fail('ARGUMENT_INVALID', `${flag} cannot be given with --like: it is as recorded`);
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

const FAULT_FLAGS = ['order', 'late', 'pages', 'powerState', 'chassisLag', 'sessions'] as const;

function readFaults(options: RedfishOptions): Partial<RedfishFaults> | null {
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
    ...(order !== undefined && { order }),
    ...(late !== undefined && { lateMs: readSpanMs(late, '--late') }),
    ...(pages !== undefined && { pages: PAGE_FAULTS[pages] }),
    ...(powerState !== undefined && { powerState: powerState === 'null' ? null : powerState }),
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

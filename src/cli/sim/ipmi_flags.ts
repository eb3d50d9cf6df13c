/** The flags and variables of `countermand sim ipmi`, read. */
import { fail } from '../../core/errors.ts';
import { type HostSettings, QUICK_HOST } from '../../sim/host.ts';
import type { Environment } from '../shared/terminal.ts';
import { type FaultOptions, type Faults, readFaults } from './faults.ts';
import {
  type FleetOptions,
  type FleetSettings,
  type HostOptions,
  mustHaveBytes,
  readFaulty,
  readFleet,
  readHost,
} from './flags.ts';

/** The BMC key of all BMCs, in hexadecimal, if they are to have one. */
export const KG_VARIABLE = 'COUNTERMAND_SIM_KG';

/** What IPMI has room for. */
const LONGEST = { username: 16, password: 20 };
/** The cipher suites that there are. */
export const SUITES = [3, 17] as const;

/** Long enough to be watched, short enough to be waited for. */
export const USUAL_HOST: HostSettings = { ...QUICK_HOST, softMs: 5000, selfTestMs: 2000, osBootMs: 3000 };

/** The flags, as commander gives them. */
export interface SimIpmiOptions extends FleetOptions, HostOptions, FaultOptions {
  readonly suites: string;
  readonly irmcAgent?: 'connected' | 'missing';
}

/** What the simulator imitates. */
export interface SimIpmiSettings {
  readonly fleet: FleetSettings;
  readonly host: ReturnType<typeof readHost>;
  /** What the faulty ones have; null if all are healthy. */
  readonly faults: Faults | null;
  /** Their numbers, from 1. */
  readonly faulty: ReadonlySet<number>;
  readonly suites: readonly (typeof SUITES)[number][];
  readonly kg: Buffer | null;
  /** They are iRMCs, with or without the agent in the operating system; null if they are not. */
  readonly irmcAgent: boolean | null;
}

/** Reads all flags of `sim ipmi`. @throws ARGUMENT_INVALID naming the flag or the variable */
export function readSimIpmi(options: SimIpmiOptions, environment: Environment): SimIpmiSettings {
  const fleet = readFleet(options, environment);
  mustHaveBytes(fleet.username, LONGEST.username, '--username');
  // The password itself does not stand in what is said of it.
  mustHaveBytes(fleet.password, LONGEST.password, 'the password');
  const faults = readFaults(options);
  return {
    fleet,
    host: readHost(options, USUAL_HOST),
    faults,
    faulty: faults === null ? new Set() : readFaulty(options.faulty, fleet.nodes),
    suites: readSuites(options.suites),
    kg: readKg(environment[KG_VARIABLE]),
    irmcAgent: options.irmcAgent === undefined ? null : options.irmcAgent === 'connected',
  };
}

function readSuites(word: string): SimIpmiSettings['suites'] {
  const words = word.split(',');
  const suites = SUITES.filter((suite) => words.includes(String(suite)));
  if (words.length === suites.length) return suites;
  throw fail('ARGUMENT_INVALID', `--suites: '${word}' is not 3, 17 or 3,17, and there are no others here`);
}

function readKg(hex: string | undefined): Buffer | null {
  if (hex === undefined || hex === '') return null;
  if (/^(?:[\da-f]{2}){1,20}$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw fail('ARGUMENT_INVALID', `${KG_VARIABLE} is not 1 to 20 bytes in hexadecimal, two digits each`);
}

/** All drivers. To add one, write it and add it here. */
import type { Chance } from '../core/chance.ts';
import type { Clock } from '../core/clock.ts';
import { type LimitRow, OPEN_LIMITS } from '../core/limits.ts';
import { Authorities } from './authorities.ts';
import type { Driver } from './driver.ts';
import { exchangesOf } from './exchanges.ts';
import { createFakeDriver } from './fake/driver.ts';
import { createIpmiDriver } from './ipmi/driver.ts';
import { createIrmcDriver, IRMC_REST_MS } from './irmc/driver.ts';
import { Logins } from './logins.ts';
import { createRedfishDriver } from './redfish/driver.ts';

/** What the drivers need. */
interface DriverParts {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where programs such as ipmitool are looked for: folders as in PATH. */
  readonly searchPath: string;
  /** How long an idle IPMI session is kept open, in milliseconds; 0 keeps none. */
  readonly ipmiKeepSessionMs: number;
  /** The folder below which `_verify_ca` values name files; null reads none. */
  readonly bmcCaFolder: string | null;
  /** The number of files and sockets that this process may open. The drivers leave half of them to all else. */
  readonly openFilesLimit: number;
}

/** What shares the drivers' half of the files: the sessions of ipmi, those of irmc, processes of ipmitool, and HTTP with SNMP. */
const SHARERS = 4;
/** What a process of ipmitool has open at this end: two pipes, and twice as many while it starts. */
const FILES_OF_A_PROCESS = 4;

/** The drivers that an agent has. They share what they know of refused logins, and the files that they may open. */
export function createDrivers({
  ipmiKeepSessionMs,
  openFilesLimit,
  bmcCaFolder,
  ...given
}: DriverParts): readonly Driver[] {
  const parts = { ...given, logins: new Logins(given.clock), authorities: new Authorities(bmcCaFolder, given.clock) };
  const share = Math.floor(openFilesLimit / 2 / SHARERS);
  const atMost = ({ limit }: LimitRow, files = share): number => Math.max(1, Math.min(limit, files));
  const sessions = { keepSessionMs: ipmiKeepSessionMs, maxSessions: atMost(OPEN_LIMITS.bmc_sessions) };
  const processes = exchangesOf(atMost(OPEN_LIMITS.ipmitool_processes, Math.floor(share / FILES_OF_A_PROCESS)));
  const exchanges = exchangesOf(atMost(OPEN_LIMITS.bmc_exchanges));
  return [
    createFakeDriver(parts),
    createIpmiDriver({ ...parts, ...sessions, processes }),
    createIrmcDriver({ ...parts, ...sessions, exchanges, restMs: IRMC_REST_MS }),
    createRedfishDriver({ ...parts, exchanges }),
  ];
}

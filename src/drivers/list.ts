/** All drivers. To add one, write it and add it here. */
import type { Chance } from '../core/chance.ts';
import type { Clock } from '../core/clock.ts';
import { OPEN_LIMITS } from '../core/limits.ts';
import type { Driver } from './driver.ts';
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
  /** How long an IPMI session that nobody uses is kept open, in milliseconds; 0 keeps none. */
  readonly ipmiKeepSessionMs: number;
  /** The number of files and sockets that this process may open. IPMI sessions leave half of them to all else. */
  readonly openFilesLimit: number;
}

/** The drivers that hold IPMI sessions open. */
const HOLDERS = 2;

/** The drivers that an agent has. They share what they know of refused logins. */
export function createDrivers({ ipmiKeepSessionMs, openFilesLimit, ...given }: DriverParts): readonly Driver[] {
  const parts = { ...given, logins: new Logins(given.clock) };
  const share = Math.floor(openFilesLimit / 2 / HOLDERS);
  const maxSessions = Math.max(1, Math.min(OPEN_LIMITS.bmc_sessions.limit, share));
  const sessions = { keepSessionMs: ipmiKeepSessionMs, maxSessions };
  return [
    createFakeDriver(parts),
    createIpmiDriver({ ...parts, ...sessions }),
    createIrmcDriver({ ...parts, ...sessions, restMs: IRMC_REST_MS }),
    createRedfishDriver(parts),
  ];
}

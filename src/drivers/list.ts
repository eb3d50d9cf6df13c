/** All drivers. To add one, write it and add it here. */
import type { Chance } from '../core/chance.ts';
import type { Clock } from '../core/clock.ts';
import type { Driver } from './driver.ts';
import { createFakeDriver } from './fake/driver.ts';
import { createIpmiDriver } from './ipmi/driver.ts';
import { createIrmcDriver, IRMC_REST_MS } from './irmc/driver.ts';

/** What the drivers need. */
export interface DriverParts {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where programs such as ipmitool are looked for: folders as in PATH. */
  readonly searchPath: string;
  /** How long an IPMI session that nobody uses is kept open, in milliseconds; 0 keeps none. */
  readonly ipmiKeepSessionMs: number;
}

/** The drivers that an agent has. */
export function createDrivers({ ipmiKeepSessionMs: keepSessionMs, ...parts }: DriverParts): readonly Driver[] {
  return [
    createFakeDriver(parts),
    createIpmiDriver({ ...parts, keepSessionMs }),
    createIrmcDriver({ ...parts, keepSessionMs, restMs: IRMC_REST_MS }),
  ];
}

/** All drivers. To add one, write it and add it here. */
import type { Clock } from '../core/clock.ts';
import type { Driver } from './driver.ts';
import { createFakeDriver } from './fake/driver.ts';
import { createIpmiDriver } from './ipmi/driver.ts';

/** What the drivers need. */
export interface DriverParts {
  readonly clock: Clock;
  /** Where programs such as ipmitool are looked for: folders as in PATH. */
  readonly searchPath: string;
}

/** The drivers that an agent has. */
export function createDrivers({ clock, searchPath }: DriverParts): readonly Driver[] {
  return [createFakeDriver({ clock }), createIpmiDriver({ clock, searchPath })];
}

import { tmpdir } from 'node:os';
import type { Clock } from '../../src/core/clock.ts';
import { Authorities } from '../../src/drivers/authorities.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createRedfishDriver } from '../../src/drivers/redfish/driver.ts';
import type { RedfishInfo } from '../../src/drivers/redfish/info.ts';

/** The driver `redfish`. With a PatientClock, no timeout strikes a BMC that is only slow. It reads authorities below the folder of `newFolder`. */
export function newRedfishDriver(clock: Clock): Driver<RedfishInfo> {
  return createRedfishDriver({ clock, authorities: new Authorities(tmpdir(), clock) });
}

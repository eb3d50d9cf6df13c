/** Redfish services of our own simulator, with a driver that speaks to them. */
import type { ExecutionContext } from 'ava';
import type { Driver } from '../../src/drivers/driver.ts';
import type { RedfishInfo } from '../../src/drivers/redfish/info.ts';
import { PatientClock } from './patient_clock.ts';
import { newRedfishDriver } from './redfish_driver.ts';
import { type NewSimRedfish, newSimRedfish, type TestedRedfish } from './sim_redfish.ts';

/** A service, and a driver whose timeouts pass when the test lets them. */
export interface SpokenRedfish extends TestedRedfish {
  readonly driver: Driver<RedfishInfo>;
  readonly clock: PatientClock;
}

/** As `newSimRedfish`, with a driver that is closed at the end of the test. */
export async function newSpokenRedfish(t: ExecutionContext, options: NewSimRedfish = {}): Promise<SpokenRedfish> {
  const clock = new PatientClock();
  const driver = newRedfishDriver(clock);
  t.teardown(() => driver.close());
  return { ...(await newSimRedfish(t, options)), driver, clock };
}

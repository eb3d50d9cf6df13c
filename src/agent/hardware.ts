/** One BMC as the agent uses it. */
import type { Clock } from '../core/clock.ts';
import type { Bmc, Driver } from '../drivers/driver.ts';
import type { Lease } from './lease.ts';
import type { Turns } from './turns.ts';

/** The hardware of one node, with everything needed to use it. */
export interface Hardware {
  readonly driver: Driver;
  readonly bmc: Bmc<unknown>;
  readonly queue: Turns;
  readonly lease: Lease;
  readonly clock: Clock;
}

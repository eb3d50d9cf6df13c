/** One BMC as the agent uses it. */
import type { Clock } from '../core/clock.ts';
import type { Bmc, Driver } from '../drivers/driver.ts';
import type { BmcQueue } from './bmc_queue.ts';
import type { Lease } from './lease.ts';

/** The hardware of one node, with everything needed to use it. */
export interface Hardware {
  readonly driver: Driver;
  readonly bmc: Bmc<unknown>;
  readonly queue: BmcQueue;
  readonly lease: Lease;
  readonly clock: Clock;
}

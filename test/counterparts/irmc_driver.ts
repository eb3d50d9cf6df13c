import { tmpdir } from 'node:os';
import { systemChance } from '../../src/core/chance.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Authorities } from '../../src/drivers/authorities.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createIrmcDriver } from '../../src/drivers/irmc/driver.ts';
import type { IrmcInfo } from '../../src/drivers/irmc/info.ts';
import { Logins } from '../../src/drivers/logins.ts';

/** The rest that the driver gives an iRMC in tests: shorter than in life, and longer than it takes to be noticed. */
export const TEST_REST_MS = 200;

/**
 * The driver `irmc` with a short rest. Close it when the tests are over: its sessions keep the process alive. With a
 * PatientClock, no timeout strikes an iRMC that is only slow.
 */
export function newIrmcDriver(clock: Clock = systemClock, logins = new Logins(clock)): Driver<IrmcInfo> {
  const authorities = new Authorities(tmpdir(), clock);
  const parts = { clock, chance: systemChance, keepSessionMs: 60_000, restMs: TEST_REST_MS, logins, authorities };
  return createIrmcDriver(parts);
}

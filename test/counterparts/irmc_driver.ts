import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createIrmcDriver } from '../../src/drivers/irmc/driver.ts';
import type { IrmcInfo } from '../../src/drivers/irmc/info.ts';

/** The rest that the driver gives an iRMC in tests: shorter than in life, and longer than it takes to be noticed. */
export const TEST_REST_MS = 200;

/** The driver `irmc` with a short rest. Close it when the tests are over: its sessions keep the process alive. */
export function newIrmcDriver(restMs = TEST_REST_MS): Driver<IrmcInfo> {
  return createIrmcDriver({ clock: systemClock, chance: systemChance, keepSessionMs: 60_000, restMs });
}

/** The driver `ipmi` against pyghmi's pretended BMC, which takes an NMI. */
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import { infoOf } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { newPyghmiBmc, type PyghmiBmcOptions } from '../counterparts/pyghmi.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const driver = createIpmiDriver({ clock: systemClock, searchPath: process.env.PATH ?? '' });

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
  diag: 'inject nmi',
};

const bmcThat =
  (options: PyghmiBmcOptions, changed: DriverInfo = {}) =>
  async (t: ExecutionContext): Promise<Bench> => {
    const bmc = await newPyghmiBmc(t, options);
    return {
      driver,
      info: { ...infoOf(bmc), ...changed },
      takesNmi: true,
      power: async () => bmc.power(),
      orders: async () => bmc.received.flatMap((command) => TARGETS[command] ?? []),
      relieve: async () => bmc.release(),
      processes: async () => (await processesWith('ipmitool', String(bmc.port), bmc.address)).length,
    };
  };

conforms({
  name: 'ipmi with pyghmi',
  situations: {
    on: bmcThat({}),
    off: bmcThat({ power: 'power off' }),
    holds: bmcThat({ holds: true }),
    'wrong password': bmcThat({}, { ipmi_password: 'wrong' }),
  },
});

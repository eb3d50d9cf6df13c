/** The driver `ipmi` against pyghmi's pretended BMC, which takes an NMI. */
import test, { type ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { newPyghmiBmc, type PyghmiBmcOptions } from '../counterparts/pyghmi.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const driver = newIpmiDriver();
test.after.always(() => driver.close());

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
  diag: 'inject nmi',
};

const bmcThat =
  (transport: IpmiTransport, options: PyghmiBmcOptions, changed: DriverInfo = {}) =>
  async (t: ExecutionContext): Promise<Bench> => {
    const bmc = await newPyghmiBmc(t, options);
    return {
      driver,
      info: { ...infoOf(bmc), ipmi_transport: transport, ...changed },
      takesNmi: true,
      async power() {
        await bmc.heard();
        return bmc.power();
      },
      async orders() {
        await bmc.heard();
        return bmc.received.flatMap((command) => TARGETS[command] ?? []);
      },
      relieve: async () => bmc.release(),
      processes: async () => (await processesWith('ipmitool', String(bmc.port), bmc.address)).length,
    };
  };

for (const transport of IPMI_TRANSPORTS)
  conforms({
    name: `ipmi (${transport}) with pyghmi`,
    situations: {
      on: bmcThat(transport, {}),
      off: bmcThat(transport, { power: 'power off' }),
      holds: bmcThat(transport, { holds: true }),
      'wrong password': bmcThat(transport, {}, { ipmi_password: 'wrong' }),
    },
  });

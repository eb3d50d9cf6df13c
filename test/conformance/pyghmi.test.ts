/** The driver `ipmi` against pyghmi's pretended BMC, which takes an NMI. */
import type { ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { ANSWER_LIMIT_S } from '../../src/drivers/ipmi/ipmitool/command.ts';
import {
  ENDLESS_ANSWER_LIMIT_S,
  IPMI_TRANSPORTS,
  type IpmiTransport,
  newIpmiDriver,
} from '../counterparts/ipmi_driver.ts';
import { infoOf } from '../counterparts/ipmi_sim.ts';
import { LoginCounter } from '../counterparts/logins.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { killAllWith, processesWith } from '../counterparts/processes.ts';
import { type PyghmiSituation, sharedPyghmiBmcs } from '../counterparts/pyghmi.ts';
import { newUdpProxy, UNCHANGED } from '../counterparts/udp_proxy.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const borrowBmc = sharedPyghmiBmcs(6);

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
  diag: 'inject nmi',
};

const bmcThat =
  (transport: IpmiTransport, options: PyghmiSituation, changed: DriverInfo = {}, answerLimitS?: number) =>
  async (t: ExecutionContext): Promise<Bench> => {
    const clock = new PatientClock();
    const bmc = await borrowBmc(t, options);
    const driver = newIpmiDriver({ clock, ...(answerLimitS && { answerLimitS }) });
    t.teardown(() => driver.close());
    const logins = new LoginCounter();
    const port = await newUdpProxy(t, bmc, UNCHANGED, logins.hear);
    const ipmitool = ['ipmitool', String(port), bmc.address];
    t.teardown(() => killAllWith(...ipmitool));
    return {
      driver,
      info: {
        ...infoOf({ address: bmc.address, port, username: bmc.username, password: bmc.password }),
        ipmi_transport: transport,
        ...changed,
      },
      clock,
      takesNmi: true,
      notesRefused: true,
      logins: () => logins.count,
      async power() {
        await bmc.heard();
        return bmc.power();
      },
      async orders() {
        await bmc.heard();
        return bmc.received.flatMap((command) => TARGETS[command] ?? []);
      },
      relieve: async () => bmc.release(),
      processes: async () => (transport === 'native' ? 0 : (await processesWith(...ipmitool)).length),
    };
  };

for (const transport of IPMI_TRANSPORTS)
  conforms({
    name: `ipmi (${transport}) with pyghmi`,
    situations: {
      on: bmcThat(transport, {}),
      off: bmcThat(transport, { power: 'power off' }),
      holds: bmcThat(transport, { holds: true }, {}, ANSWER_LIMIT_S),
      'holds, and is waited for': bmcThat(transport, { holds: true }, {}, ENDLESS_ANSWER_LIMIT_S),
      'wrong password': bmcThat(transport, {}, { ipmi_password: 'wrong' }),
    },
  });

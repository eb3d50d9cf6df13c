/** The driver `ipmi` against OpenIPMI's simulator, natively and through ipmitool. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { ANSWER_LIMIT_S } from '../../src/drivers/ipmi/ipmitool/command.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { setUptime } from '../counterparts/chassis_clock.ts';
import { ENDLESS_ANSWER_LIMIT_S, IPMI_TRANSPORTS, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim, type SharedIpmiSimOptions, sharedIpmiSims } from '../counterparts/ipmi_sim.ts';
import { LoginCounter } from '../counterparts/logins.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { killAllWith, processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import { newUdpProxy, UNCHANGED } from '../counterparts/udp_proxy.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

const borrowSim = sharedIpmiSims(6);

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
};

/** How a BMC is made for a test, and what its driver_info has beside what reaches it. */
type Making = (t: ExecutionContext, through: DriverInfo) => Promise<Bench>;

/** What a bench has beside its BMC. `answerLimitS` is said where ipmitool has to find out by itself that there is no answer. */
type More = Pick<Bench, 'logins'> & { answerLimitS?: number; relieve?(): Promise<void> };

function benchOf(
  t: ExecutionContext,
  sim: IpmiSim,
  changed: DriverInfo,
  { answerLimitS, relieve, ...more }: More = {},
): Bench {
  const clock = new PatientClock();
  const driver = newIpmiDriver({ clock, ...(answerLimitS && { answerLimitS }) });
  t.teardown(() => driver.close());
  const info = { ...infoOf(sim), ...changed };
  const ipmitool = ['ipmitool', info.ipmi_port ?? '', sim.address];
  t.teardown(() => killAllWith(...ipmitool));
  return {
    ...more,
    driver,
    info,
    clock,
    takesNmi: false,
    notesRefused: true,
    power: () => sim.power(),
    orders: async () => (await sim.received()).flatMap((command) => TARGETS[command] ?? []),
    relieve: relieve ?? (async () => {}),
    processes: async () => (info.ipmi_transport === 'native' ? 0 : (await processesWith(...ipmitool)).length),
  };
}

const simWith =
  (options: SharedIpmiSimOptions): Making =>
  async (t, through) =>
    benchOf(t, await borrowSim(t, options), through);

/** Each login is counted on its way to the BMC. */
const simFor =
  (changed: DriverInfo): Making =>
  async (t, through) => {
    const sim = await borrowSim(t);
    const logins = new LoginCounter();
    const port = await newUdpProxy(t, sim, UNCHANGED, logins.hear);
    const info = { ...through, ipmi_port: String(port), ...changed };
    return benchOf(t, sim, info, { logins: () => logins.count });
  };

const slow: Making = async (t, through) => {
  const sim = await borrowSim(t, { softOffDelayS: 2 });
  await setUptime(sim.folder, '100.00');
  return benchOf(t, sim, through, { relieve: () => setUptime(sim.folder, '102.00') });
};

const hanging: Making = async (t, through) => {
  const sim = await borrowSim(t, { softOffDelayS: 'never' });
  return benchOf(t, sim, through, { relieve: () => sim.setPower('power off') });
};

const silent: Making = async (t, through) => {
  const sim = await borrowSim(t);
  sim.suspend();
  return benchOf(t, sim, through, { relieve: async () => sim.resume() });
};

const holding =
  (answerLimitS: number): Making =>
  async (t, through) => {
    const sim = await borrowSim(t, { holds: true });
    return benchOf(t, sim, through, { answerLimitS, relieve: () => sim.configure({ holds: false }) });
  };

const withoutSessions: Making = async (t, through) => {
  const sim = await newIpmiSim(t);
  await sim.takeAllSessions(never());
  return benchOf(t, sim, through);
};

const closed: Making = async (t, through) =>
  benchOf(t, await borrowSim(t), { ...through, ipmi_port: String(await takePort(ownAddress())) });

/** Something that is no BMC answers on the port. */
const garbage: Making = async (t, through) => {
  const sim = await borrowSim(t);
  const socket = createSocket('udp4').bind(0, sim.address);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  socket.on('message', (_, { port, address }) => socket.send('not now, thank you', port, address));
  return benchOf(t, sim, { ...through, ipmi_port: String(socket.address().port) });
};

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: simWith({ softOffDelayS: 'never' }),
  off: simWith({ power: 'power off' }),
  'soft off takes its time': slow,
  'soft off hangs': hanging,
  silent,
  refuses: simWith({ refuses: true }),
  holds: holding(ANSWER_LIMIT_S),
  'holds, and is waited for': holding(ENDLESS_ANSWER_LIMIT_S),
  'no session left': withoutSessions,
  'wrong password': simFor({ ipmi_password: 'wrong' }),
  'unknown user': simFor({ ipmi_username: 'nobody' }),
  'closed port': closed,
  'no such name': simFor({ ipmi_address: 'bmc.invalid' }),
  garbage,
};

for (const transport of IPMI_TRANSPORTS) {
  const making = Object.entries(MAKINGS).map(([situation, make]) => [
    situation,
    (t: ExecutionContext) => make(t, { ipmi_transport: transport }),
  ]);
  conforms({ name: `ipmi (${transport}) with ipmi_sim`, situations: Object.fromEntries(making) });
}

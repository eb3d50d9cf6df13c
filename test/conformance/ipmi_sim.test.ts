/** The driver `ipmi` against the real ipmi_sim. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { IpmiSim, IpmiSimOptions } from '../../src/sim/ipmi_sim.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { IPMI_TRANSPORTS, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import type { Bench, Situation } from './counterpart.ts';
import { conforms } from './run.ts';

const driver = newIpmiDriver();
test.after.always(() => driver.close());

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
};

/** How a BMC is made for a test, and what its driver_info has beside what reaches it. */
type Making = (t: ExecutionContext, through: DriverInfo) => Promise<Bench>;

function benchOf(sim: IpmiSim, changed: DriverInfo, relieve: () => Promise<void> = async () => {}): Bench {
  const info = { ...infoOf(sim), ...changed };
  return {
    driver,
    info,
    takesNmi: false,
    power: () => sim.power(),
    orders: async () => (await sim.received()).flatMap((command) => TARGETS[command] ?? []),
    relieve,
    processes: async () => (await processesWith('ipmitool', String(sim.port), sim.address)).length,
  };
}

const simWith =
  (options: Partial<IpmiSimOptions>, changed: DriverInfo = {}): Making =>
  async (t, through) =>
    benchOf(await newIpmiSim(t, options), { ...through, ...changed });

const hanging: Making = async (t, through) => {
  const sim = await newIpmiSim(t, { softOffDelayS: 'never' });
  return benchOf(sim, through, () => sim.setPower('power off'));
};

const silent: Making = async (t, through) => {
  const sim = await newIpmiSim(t);
  sim.suspend();
  return benchOf(sim, through, async () => sim.resume());
};

const holding: Making = async (t, through) => {
  const sim = await newIpmiSim(t, { holds: true });
  return benchOf(sim, through, () => sim.configure({ holds: false }));
};

const withoutSessions: Making = async (t, through) => {
  const sim = await newIpmiSim(t);
  await sim.takeAllSessions(never());
  return benchOf(sim, through);
};

const closed: Making = async (t, through) => {
  return benchOf(await newIpmiSim(t), { ...through, ipmi_port: String(await takePort(ownAddress())) });
};

/** Something that is no BMC answers on the port. */
const garbage: Making = async (t, through) => {
  const sim = await newIpmiSim(t);
  const socket = createSocket('udp4').bind(0, sim.address);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  socket.on('message', (_, { port, address }) => socket.send('not now, thank you', port, address));
  return benchOf(sim, { ...through, ipmi_port: String(socket.address().port) });
};

const MAKINGS: Readonly<Partial<Record<Situation, Making>>> = {
  on: simWith({ softOffDelayS: 'never' }),
  off: simWith({ power: 'power off' }),
  'soft off takes 2 s': simWith({ softOffDelayS: 2 }),
  'soft off hangs': hanging,
  silent,
  refuses: simWith({ refuses: true }),
  holds: holding,
  'no session left': withoutSessions,
  'wrong password': simWith({}, { ipmi_password: 'wrong' }),
  'unknown user': simWith({}, { ipmi_username: 'nobody' }),
  'closed port': closed,
  'no such name': simWith({}, { ipmi_address: 'bmc.invalid' }),
  garbage,
};

for (const transport of IPMI_TRANSPORTS) {
  const making = Object.entries(MAKINGS).map(([situation, make]) => [
    situation,
    (t: ExecutionContext) => make(t, { ipmi_transport: transport }),
  ]);
  conforms({ name: `ipmi (${transport}) with ipmi_sim`, situations: Object.fromEntries(making) });
}

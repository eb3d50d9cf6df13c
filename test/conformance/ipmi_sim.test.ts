/** The driver `ipmi` against the real ipmi_sim. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import type { IpmiSim, IpmiSimOptions } from '../../src/sim/ipmi_sim.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { processesWith } from '../counterparts/processes.ts';
import { never } from '../counterparts/signals.ts';
import type { Bench } from './counterpart.ts';
import { conforms } from './run.ts';

const driver = createIpmiDriver({ clock: systemClock, searchPath: process.env.PATH ?? '' });

const TARGETS: Readonly<Record<string, OrderTarget>> = {
  on: 'power on',
  off: 'power off',
  reset: 'rebooting',
  soft: 'soft power off',
};

function benchOf(sim: IpmiSim, changed: DriverInfo = {}, relieve: () => Promise<void> = async () => {}): Bench {
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
  (options: Partial<IpmiSimOptions>, changed: DriverInfo = {}) =>
  async (t: ExecutionContext): Promise<Bench> =>
    benchOf(await newIpmiSim(t, options), changed);

async function hanging(t: ExecutionContext): Promise<Bench> {
  const sim = await newIpmiSim(t, { softOffDelayS: 'never' });
  return benchOf(sim, {}, () => sim.setPower('power off'));
}

async function silent(t: ExecutionContext): Promise<Bench> {
  const sim = await newIpmiSim(t);
  sim.suspend();
  return benchOf(sim, {}, async () => sim.resume());
}

async function holding(t: ExecutionContext): Promise<Bench> {
  const sim = await newIpmiSim(t, { holds: true });
  return benchOf(sim, {}, () => sim.configure({ holds: false }));
}

async function withoutSessions(t: ExecutionContext): Promise<Bench> {
  const sim = await newIpmiSim(t);
  await sim.takeAllSessions(never());
  return benchOf(sim);
}

async function closed(t: ExecutionContext): Promise<Bench> {
  return benchOf(await newIpmiSim(t), { ipmi_port: String(await takePort(ownAddress())) });
}

/** Something that is no BMC answers on the port. */
async function garbage(t: ExecutionContext): Promise<Bench> {
  const sim = await newIpmiSim(t);
  const socket = createSocket('udp4').bind(0, sim.address);
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  socket.on('message', (_, { port, address }) => socket.send('not now, thank you', port, address));
  return benchOf(sim, { ipmi_port: String(socket.address().port) });
}

conforms({
  name: 'ipmi with ipmi_sim',
  situations: {
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
  },
});

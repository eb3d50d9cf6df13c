/** BMCs that carry an order out and whose answer never comes: what is read of the hardware settles the order. */
import test, { type ExecutionContext } from 'ava';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import type { SimBmc, SimReceived } from '../../src/sim/ipmi/sim_bmc.ts';
import { eventually } from '../counterparts/eventually.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { newUdpProxy } from '../counterparts/udp_proxy.ts';
import { type House, openHouse } from './house.ts';
import { commandsAt, enrolIrmc } from './irmc.ts';
import { BY_IPMITOOL, enrol, nodeNow, order, ordersAt, untilAtRest, untilIn } from './orders.ts';
import { checkTrail } from './trail.ts';

const ordersOf = ({ received }: SimBmc): SimReceived[] => received.filter((command) => command !== 'status');

const NEVER = { softMs: Number.POSITIVE_INFINITY };

/** Each idempotent command at a BMC that answers everything but orders. */
async function atOurBmc(t: ExecutionContext, { client }: House): Promise<void> {
  const drops = { dropsOrderAnswers: true };
  const bmcs = {
    on: await newSimBmc(t, { power: 'power off', faults: drops }),
    off: await newSimBmc(t, { faults: drops }),
    forced: await newSimBmc(t, { host: NEVER }),
    reboot: await newSimBmc(t, { host: { softMs: 3000 } }),
  };
  for (const [name, { info }] of Object.entries(bmcs)) await enrol(client, name, 'ipmi', info);
  const forced = order(client, 'forced', 'SOFT_POWER_OFF', { timeout: 1, onTimeout: 'FORCE' });
  const reboot = order(client, 'reboot', 'SOFT_REBOOT');
  await Promise.all([untilIn(forced, 'CONFIRMING'), untilIn(reboot, 'CONFIRMING')]);
  for (const { bmc } of [bmcs.forced, bmcs.reboot]) bmc.faults = { ...bmc.faults, ...drops };
  const ends = await Promise.all([
    untilAtRest(order(client, 'on', 'ON')),
    untilAtRest(order(client, 'off', 'OFF')),
    untilAtRest(forced),
    untilAtRest(reboot),
  ]);
  for (const task of ends) t.like(task, { state: 'SUCCEEDED' });
  t.deepEqual(await Promise.all(Object.keys(bmcs).map(async (name) => (await nodeNow(client, name)).powerState)), [
    'ON',
    'OFF',
    'OFF',
    'ON',
  ]);
  t.deepEqual(ordersOf(bmcs.on.bmc), ['on']);
  t.deepEqual(ordersOf(bmcs.off.bmc), ['off']);
  t.deepEqual(ordersOf(bmcs.forced.bmc), ['soft', 'off']);
  t.deepEqual(ordersOf(bmcs.reboot.bmc), ['soft', 'on']);
}

/** ipmi_sim carries the order out, and the network loses its answer. */
const atIpmiSim =
  (name: string, more: DriverInfo) =>
  async (t: ExecutionContext, { client }: House): Promise<void> => {
    const sim = await newIpmiSim(t, { power: 'power off' });
    let loses = false;
    let lost = 0;
    const port = await newUdpProxy(t, sim, (answer) => {
      if (loses) lost += 1;
      return loses ? null : answer;
    });
    await enrol(client, name, 'ipmi', { ...infoOf({ ...sim, port }), ...more });
    await sim.configure({ holds: true });
    const task = order(client, name, 'ON');
    await eventually('the order to arrive', async () => (await ordersAt(sim)).length > 0);
    loses = true;
    await sim.configure({ holds: false });
    await eventually('the answer to be lost', async () => lost > 0 && (await sim.power()) === 'power on');
    loses = false;
    t.like(await untilAtRest(task), { state: 'SUCCEEDED' });
    t.like(await nodeNow(client, name), { powerState: 'ON' });
    t.deepEqual(await ordersAt(sim), ['on']);
  };

/** An iRMC that carries an order out and breaks the connection. */
async function atIrmc(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'irmc', { faults: { scci: 'resets' } });
  t.like(await untilAtRest(order(house.client, 'irmc', 'OFF')), { state: 'SUCCEEDED' });
  t.like(await untilAtRest(order(house.client, 'irmc', 'ON')), { state: 'SUCCEEDED' });
  t.deepEqual(commandsAt(tested), ['PowerOffCabinet', 'PowerOnCabinet']);
}

test('an order that was carried out and never answered succeeds, by every driver and transport', async (t) => {
  const house = await openHouse(t, { here: true });
  const places = [atOurBmc, atIpmiSim('native', {}), atIpmiSim('ipmitool', BY_IPMITOOL), atIrmc];
  await Promise.all(places.map((at) => at(t, house)));
  await checkTrail(t, house.client);
});

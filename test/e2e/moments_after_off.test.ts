/** BMCs and hosts that need a moment: an order waits for it, or is given again. */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { openHouse } from './house.ts';
import { commandsAt, enrolIrmc } from './irmc.ts';
import { enrol, nodeNow, order, untilAtRest, untilIn } from './orders.ts';

/** Codes of refusals that prove that nothing was done: D4h is what openbmc#1812 and sidero#145 have seen. */
const CODES = [0xc0, 0xd4, 0xd5, 0xd6, 0xff];

test('a BMC that refuses to power on for a moment after the off leaves no rebooted node off', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const reboots = CODES.map(async (code) => {
    const name = `n${code.toString(16)}`;
    // Its moment ends when this clock is turned: after the second refusal.
    const clock = new VirtualClock();
    const { bmc, info } = await newSimBmc(t, { clock, faults: { refusesOn: { forMs: 4000, code } } });
    await enrol(client, name, 'ipmi', info);
    const orders = (): string[] => bmc.received.filter((command) => command !== 'status');
    const watch = order(client, name, 'SOFT_REBOOT');
    await eventually(`code ${code} to be answered twice`, () => orders().length > 2);
    await clock.turn(4000);
    t.like(await untilAtRest(watch), { state: 'SUCCEEDED' }, `code ${code}`);
    t.is(bmc.host.power, 'power on');
    t.deepEqual([...new Set(orders())], ['soft', 'on']);
  });
  await Promise.all(reboots);
});

test('a power on waits for a host that is stopping, whichever way that is seen', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  const overSnmp = await enrolIrmc(t, house, 'snmp', { host: { softMs: 3000 } });
  const overRedfish = await enrolIrmc(t, house, 'redfish', { faults: { ipmi: 'silent', snmp: 'silent' } });
  overSnmp.irmc.host.stopSoftly(false);
  overRedfish.irmc.faults = { ...overRedfish.irmc.faults, redfishPower: 'PoweringOff' };
  const watches = ['snmp', 'redfish'].map((name) => order(client, name, 'ON'));
  for (const watch of watches)
    await watch.until('the order to wait', ({ message = '' }) => /is stopping; .* waits/.test(message));
  t.deepEqual(commandsAt(overRedfish), []);
  overRedfish.irmc.host.setPower('power off');
  overRedfish.irmc.faults = { ...overRedfish.irmc.faults, redfishPower: null };
  for (const watch of watches) t.like(await untilAtRest(watch), { state: 'SUCCEEDED', beforePowerState: 'OFF' });
  for (const tested of [overSnmp, overRedfish]) {
    t.deepEqual(commandsAt(tested), ['PowerOnCabinet']);
    t.is(tested.irmc.host.power, 'power on');
  }
});

test('a power off of a node that is being powered on is sent, and again if it was too early', async (t) => {
  const house = await openHouse(t, { here: true });
  const { irmc } = await enrolIrmc(t, house, 'n1', { power: 'power off', faults: { ipmi: 'silent', snmp: 'silent' } });
  irmc.faults = { ...irmc.faults, redfishPower: 'PoweringOn' };
  const watch = order(house.client, 'n1', 'OFF');
  await untilIn(watch, 'CONFIRMING');
  // The iRMC took the order while the server was off; now it is on.
  irmc.host.setPower('power on');
  irmc.faults = { ...irmc.faults, redfishPower: null };
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(
    irmc.received.map(({ command }) => command),
    ['PowerOffCabinet', 'PowerOffCabinet'],
  );
  t.is(irmc.host.power, 'power off');
  await eventually('the node to be shown off', async () => (await nodeNow(house.client, 'n1')).powerState === 'OFF');
});

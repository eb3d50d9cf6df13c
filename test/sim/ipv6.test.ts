/** The driver `ipmi` and our simulator over IPv6. */
import { networkInterfaces } from 'node:os';
import test from 'ava';
import { openCancellation } from '../../src/core/signals.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { nodesIn, startSimCommand } from './sim_command.ts';

const clock = new PatientClock();
const driver = newIpmiDriver({ clock });
test.after.always(() => driver.close());

const has = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

test('status, orders and a closed port at ::1', async (t) => {
  if (!has) return t.pass('this system has no IPv6');
  const { signal } = openCancellation([]);
  const flags = ['ipmi', '--address', '::1', '--first-port', '0', '--nodes', '2', '--soft-off', '0', '--json'];
  const command = await startSimCommand(t, flags);
  const bmcs = nodesIn(command.stdout()).map(({ driverInfo }) => driver.parse(driverInfo));
  t.regex(bmcs[0]?.key ?? '', /^ipmi:\/\/\[::1\]:\d+$/);
  for (const bmc of bmcs) {
    t.is((await driver.getPowerState(bmc, signal)).powerState, 'power on');
    await driver.setPowerState(bmc, 'soft power off', signal);
    t.is((await driver.getPowerState(bmc, signal)).powerState, 'power off');
    await driver.setPowerState(bmc, 'power on', signal);
    t.is((await driver.getPowerState(bmc, signal)).powerState, 'power on');
  }
  t.is(await command.interrupt(), 0);
  for (const bmc of bmcs) {
    const error = await clock.letPass(driver.getPowerState(bmc, signal), 20_000).catch((thrown) => thrown);
    t.is(error.code, 'BMC_PORT_CLOSED');
    t.regex(error.message, /the BMC \[::1\]:\d+ /);
  }
});

/** What the PowerState of a System means, and what can be ordered. */
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import type { OnOff } from '../../src/core/power.ts';
import { meaningsFor, supportedBy } from '../../src/drivers/redfish/targets.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

for (const [word, powerState, host] of [
  ['On', 'power on', 'running'],
  ['Paused', 'power on', undefined],
  ['PoweringOff', 'power on', 'stopping'],
  ['Off', 'power off', undefined],
  ['PoweringOn', 'power off', 'starting'],
] as const)
  test(`PowerState ${word}`, async (t) => {
    const power: OnOff = word === 'Off' ? 'power off' : 'power on';
    const { driver, info } = await newSpokenRedfish(t, { power, faults: { powerState: word } });
    const reading = await driver.getPowerState(driver.parse(info), never());
    t.is(reading.powerState, powerState);
    t.is(reading.host, host);
  });

for (const word of [null, 'Reset', 'Unknown', 'on', '', '__proto__'])
  test(`PowerState ${JSON.stringify(word)} is neither on nor off`, async (t) => {
    const { driver, info } = await newSpokenRedfish(t, { faults: { powerState: word } });
    const error = await t.throwsAsync(driver.getPowerState(driver.parse(info), never()), {
      instanceOf: CountermandError,
    });
    t.is(error.code, 'BMC_GARBLED');
    t.regex(error.message, /neither on nor off; it may be in transition/);
  });

test('Off is believed when the Chassis does not say On any more, or has said so for 20 s', async (t) => {
  const clockOfBmc = new PatientClock();
  for (const lagMs of [5000, Number.POSITIVE_INFINITY]) {
    const options = { clock: clockOfBmc, faults: { chassisLagMs: lagMs } };
    const { driver, clock, info, host } = await newSpokenRedfish(t, options);
    const bmc = driver.parse(info);
    const read = async () => {
      const { powerState, host: os } = await driver.getPowerState(bmc, never());
      return [powerState, os];
    };
    await driver.setPowerState(bmc, 'power off', never());
    t.is(host.power, 'power off');
    t.deepEqual(await read(), ['power on', 'stopping']);
    clockOfBmc.pass(4999);
    t.deepEqual(await read(), ['power on', 'stopping']);
    clockOfBmc.pass(1);
    t.deepEqual(await read(), lagMs === 5000 ? ['power off', undefined] : ['power on', 'stopping']);
    clock.pass(19_999);
    t.deepEqual(await read(), lagMs === 5000 ? ['power off', undefined] : ['power on', 'stopping']);
    clock.pass(1);
    t.deepEqual(await read(), ['power off', undefined]);
  }
});

test('a host starts only where the BMC has been seen to tell when it runs', async (t) => {
  const { driver, info, host } = await newSpokenRedfish(t, { host: { selfTestMs: Number.POSITIVE_INFINITY } });
  const bmc = driver.parse(info);
  host.reset();
  t.is((await driver.getPowerState(bmc, never())).host, undefined, 'some stay at an early state for ever');
  host.settings = { ...host.settings, selfTestMs: 0 };
  host.reset();
  t.is((await driver.getPowerState(bmc, never())).host, 'running');
  host.settings = { ...host.settings, selfTestMs: Number.POSITIVE_INFINITY };
  host.reset();
  t.is((await driver.getPowerState(bmc, never())).host, 'starting');
});

test('a host that stops is seen where the BMC shows it', async (t) => {
  const host = { softMs: Number.POSITIVE_INFINITY };
  const { driver, info } = await newSpokenRedfish(t, { host, faults: { showsTransitions: true } });
  const bmc = driver.parse(info);
  await driver.setPowerState(bmc, 'soft power off', never());
  t.like(await driver.getPowerState(bmc, never()), { powerState: 'power on', host: 'stopping' });
});

test('what is listed in line, in ActionInfo, or nowhere', async (t) => {
  const resetTypes = ['On', 'ForceOff', 'GracefulShutdown'];
  for (const listing of ['inline', 'action-info', 'none'] as const) {
    const { driver, info } = await newSpokenRedfish(t, { faults: { listing, resetTypes } });
    const supported = await driver.getSupportedPowerStates(driver.parse(info), never());
    t.false(supported.targets.includes('inject nmi'));
    t.is(supported.probed, listing !== 'none');
    t.is(supported.targets.includes('rebooting'), listing === 'none');
    const where = listing === 'inline' ? 'AllowableValues' : 'ActionInfo';
    if (listing === 'none') t.regex(supported.reason ?? '', /does not list the ResetTypes/);
    else t.is(supported.reason, `no ForceRestart, no Nmi; the BMC lists (${where}): On, ForceOff, GracefulShutdown`);
  }
});

test('a soft reboot and its abort need both halves; a list that leaves out what is void now is not believed', (t) => {
  const inHalves = meaningsFor({ redfish_graceful_restart: false });
  const targets = (now: OnOff, ...resetTypes: string[]) =>
    supportedBy(inHalves, { resetTypes, source: 'AllowableValues' }, now).targets;
  t.deepEqual(targets('power on', 'ForceOff', 'GracefulShutdown'), [
    'power on',
    'power off',
    'soft rebooting',
    'soft power off',
    'abort soft rebooting',
    'abort soft power off',
  ]);
  t.deepEqual(targets('power off', 'On'), ['power on', 'power off']);
  t.deepEqual(targets('power off', 'GracefulShutdown'), ['power off', 'soft power off', 'abort soft power off']);
});

test('a soft reboot is one command only where driver_info asks for it, and the BMC lists GracefulRestart', async (t) => {
  const ask = async (resetTypes: readonly string[], redfish_graceful_restart: string) => {
    const { driver, info } = await newSpokenRedfish(t, { faults: { resetTypes } });
    const bmc = driver.parse({ ...info, redfish_graceful_restart });
    const { targets, softRebootInOneCommand, recalls, reason } = await driver.getSupportedPowerStates(bmc, never());
    t.deepEqual(recalls, []);
    return { can: targets.includes('soft rebooting'), softRebootInOneCommand, reason };
  };
  const all = ['On', 'ForceOff', 'ForceRestart', 'GracefulShutdown', 'GracefulRestart', 'Nmi'];
  t.deepEqual(await ask(all, 'false'), { can: true, softRebootInOneCommand: false, reason: undefined });
  t.deepEqual(await ask(all, 'true'), { can: true, softRebootInOneCommand: true, reason: undefined });
  const few = all.filter((word) => word !== 'GracefulRestart');
  t.deepEqual(await ask(few, 'false'), { can: true, softRebootInOneCommand: false, reason: undefined });
  const { can, reason } = await ask(few, 'true');
  t.false(can);
  t.regex(reason ?? '', /^no GracefulRestart; the BMC lists/);
});

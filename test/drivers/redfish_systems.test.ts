/** Which System of a BMC a node is, and what its pages say. */
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { never } from '../counterparts/signals.ts';
import type { NewSystem } from '../counterparts/sim_redfish.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

/** As a four-node BMC of Cray lists them. */
const FOUR: readonly NewSystem[] = ['Node3', 'Node1', 'Node2', 'Node0'].map((id) => ({ id }));

test('several that can be reset: none is chosen, and the error lists them', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t, { systems: FOUR });
  const bmc = driver.parse(info);
  for (const call of [
    () => driver.getPowerState(bmc, never()),
    () => driver.getSupportedPowerStates(bmc, never()),
    () => driver.setPowerState(bmc, 'power off', never()),
  ]) {
    const error = await t.throwsAsync(call(), { instanceOf: CountermandError });
    t.is(error.code, 'DRIVER_INFO_INVALID');
    t.regex(
      error.message,
      /redfish_system_id is missing: .* has 4 Systems that can be reset: Node3 \(System Node3, serial/,
    );
    t.regex(error.message, /Node0 \(System Node0, serial number SIMNode0, UUID [0-9a-f-]{36}\)/);
  }
  t.deepEqual(redfish.received, []);
});

test('the one that is named is ordered, by Id or by path', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t, { systems: FOUR });
  for (const id of ['Node1', '/redfish/v1/Systems/Node2', '/redfish/v1/Systems/Node0/'])
    await driver.setPowerState(driver.parse({ ...info, redfish_system_id: id }), 'power off', never());
  t.deepEqual(
    redfish.received.map(({ system }) => system),
    ['Node1', 'Node2', 'Node0'],
  );
  t.is(redfish.system('Node3')?.host.power, 'power on');
});

test('two Systems of one BMC are two places, and one System is one, however it is named', async (t) => {
  const { driver, info } = await newSpokenRedfish(t, { systems: FOUR });
  const placeOf = async (id: string) =>
    (await driver.getPowerState(driver.parse({ ...info, redfish_system_id: id }), never())).place;
  const place = await placeOf('Node1');
  t.not(await placeOf('Node2'), place);
  t.is(await placeOf('/redfish/v1/Systems/Node1/'), place);
});

test('one that is named and not there: the error lists those that are', async (t) => {
  const { driver, info } = await newSpokenRedfish(t, { systems: FOUR });
  const bmc = driver.parse({ ...info, redfish_system_id: 'Node9' });
  const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
  t.is(error.code, 'DRIVER_INFO_INVALID');
  t.regex(error.message, /has no System Node9; it has Node3 .*; Node1 .*; Node2 .*; Node0 /);
});

test('a second one without Reset, or that cannot be read, does not disturb', async (t) => {
  for (const second of [{ hasReset: false }, { away: true }]) {
    const systems = [{ id: 'HGX_Baseboard_0', ...second }, { id: 'DGX' }];
    const { redfish, driver, info } = await newSpokenRedfish(t, { systems });
    await driver.setPowerState(driver.parse(info), 'power off', never());
    t.deepEqual(
      redfish.received.map(({ system }) => system),
      ['DGX'],
    );
  }
});

test('none that can be reset', async (t) => {
  const { driver, info } = await newSpokenRedfish(t, { systems: [{ hasReset: false }] });
  const error = await t.throwsAsync(driver.getPowerState(driver.parse(info), never()), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'BMC_PROTOCOL_VIOLATION');
  t.regex(error.message, /no System that can be reset/);
  const named = driver.parse({ ...info, redfish_system_id: '1' });
  t.is((await driver.getPowerState(named, never())).powerState, 'power on');
  t.like(await driver.getSupportedPowerStates(named, never()), { targets: [], probed: true });
  const refused = await t.throwsAsync(driver.setPowerState(named, 'power off', never()), {
    instanceOf: CountermandError,
  });
  t.is(refused.code, 'TARGET_NOT_SUPPORTED');
});

test('the only one that can be read is not remembered as the right one', async (t) => {
  const systems = [{ id: 'A', away: true }, { id: 'B' }];
  const { redfish, driver, info } = await newSpokenRedfish(t, { systems });
  const bmc = driver.parse(info);
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
  Object.assign(redfish.system('A') ?? {}, { away: false });
  const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
  t.regex(error.message, /2 Systems that can be reset/);
});

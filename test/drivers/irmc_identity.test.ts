/** Which server an iRMC's order goes to: its GUID over IPMI or its UUID over Redfish, whichever way the server is read. */
import test, { type ExecutionContext } from 'ava';
import { forOneBmc } from '../../src/agent/one_bmc.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createIrmcDriver } from '../../src/drivers/irmc/driver.ts';
import { Logins } from '../../src/drivers/logins.ts';
import type { Resolver } from '../../src/drivers/lookups.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';

const GUID = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
const TEXT = '01020304-0506-0708-090a-0b0c0d0e0f10';

/** A way of reading: which keys of driver_info lead to it, and what has to be switched off. */
const WAYS: readonly (readonly [name: string, guid: string, prepare: (tested: TestedIrmc) => Promise<unknown>])[] = [
  ['SNMP, and IPMI for the GUID', TEXT, async () => {}],
  ['SNMP, and Redfish for the GUID', `redfish:${TEXT}`, ({ listening }) => listening.switchIpmi(false)],
];

function newDriver(t: ExecutionContext, resolver?: Resolver): Driver {
  const logins = new Logins(systemClock);
  const parts = { clock: systemClock, chance: systemChance, keepSessionMs: 60_000, restMs: 0, logins };
  const driver = createIrmcDriver(resolver ? { ...parts, resolver } : parts) as unknown as Driver;
  t.teardown(() => driver.close());
  return driver;
}

const without = (info: TestedIrmc['info'], prefix: string) =>
  Object.fromEntries(Object.entries(info).filter(([key]) => !key.startsWith(prefix)));

for (const [name, guid, prepare] of WAYS) {
  test(`${name}: an order goes to the server that was read, and to no other`, async (t) => {
    const tested = await newSimIrmc(t);
    tested.irmc.bmc.guid = GUID;
    await prepare(tested);
    const driver = newDriver(t);
    const bmc = driver.parse(tested.info);
    const one = forOneBmc(driver, null);
    t.like(await one.getPowerState(bmc, never()), {
      guid,
      place: `${tested.address}:${tested.ports.web}`,
      host: 'running',
    });
    tested.irmc.bmc.guid = Buffer.alloc(16, 9);
    tested.irmc.bmc.restart(0);
    for (const order of ['power off', 'soft power off'] as const)
      await t.throwsAsync(one.setPowerState(bmc, order, never()), { code: 'BMC_IS_ANOTHER' } as object);
    await t.throwsAsync(one.abortPowerState(bmc, 'soft power off', never()), { code: 'BMC_IS_ANOTHER' } as object);
    t.deepEqual(tested.irmc.received, []);
    tested.irmc.bmc.guid = GUID;
    tested.irmc.bmc.restart(0);
    await one.setPowerState(bmc, 'power off', never());
    t.deepEqual(tested.irmc.received.length, 1);
  });
}

test('over IPMI and over Redfish, each reading says which server it was', async (t) => {
  const tested = await newSimIrmc(t);
  tested.irmc.bmc.guid = GUID;
  const driver = newDriver(t);
  const bmc = driver.parse(without(tested.info, 'irmc_snmp_'));
  t.like(await driver.getPowerState(bmc, never()), { guid: TEXT });
  await tested.listening.switchIpmi(false);
  t.like(await driver.getPowerState(bmc, never()), { guid: `redfish:${TEXT}` });
});

test('where the GUID cannot be read, the order goes on: it proves nothing', async (t) => {
  const tested = await newSimIrmc(t);
  const driver = newDriver(t);
  const bmc = driver.parse(tested.info);
  await tested.listening.switchIpmi(false);
  await forOneBmc(driver, TEXT).setPowerState(bmc, 'power off', never());
  t.is(tested.irmc.received.length, 1);
});

test('a name that moves: SCCI, SNMP and IPMI go where it is now', async (t) => {
  const first = await newSimIrmc(t, { power: 'power on' });
  let addresses: readonly string[] = [first.address];
  const driver = newDriver(t, async () => addresses);
  const bmc = driver.parse({ ...first.info, irmc_address: 'irmc7.example' });
  t.like(await driver.getPowerState(bmc, never()), { powerState: 'power on' });
  const one = forOneBmc(driver, null);
  await one.getPowerState(bmc, never());
  // Nothing listens there: the order goes nowhere, and not to the old address.
  addresses = ['127.255.255.254'];
  await t.throwsAsync(one.setPowerState(bmc, 'power off', never()));
  await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { code: 'BMC_PORT_CLOSED' } as object);
  t.deepEqual(first.irmc.received, []);
  addresses = [first.address];
  await one.setPowerState(bmc, 'power off', never());
  t.is(first.irmc.received.length, 1);
});

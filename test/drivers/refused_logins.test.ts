/** How often BMCs see a login that they refuse: once, whoever reads or orders, until its time has come. */
import test, { type ExecutionContext } from 'ava';
import type { Bmc, Driver, DriverInfo } from '../../src/drivers/driver.ts';
import { snmpAccountOf } from '../../src/drivers/irmc/accounts.ts';
import type { IrmcInfo } from '../../src/drivers/irmc/info.ts';
import { type Account, Logins } from '../../src/drivers/logins.ts';
import { IPMI_TRANSPORTS, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';
import { HandClock } from '../world/hand_clock.ts';

const never = new AbortController().signal;

function handled() {
  const clock = new HandClock();
  return { clock, logins: new Logins(clock) };
}

/** Reads and orders, all of which a BMC refuses with this code. */
async function refuses(driver: Driver, bmc: Bmc<unknown>, code: string, t: ExecutionContext): Promise<void> {
  await t.throwsAsync(driver.getPowerState(bmc, never), { code });
  await t.throwsAsync(driver.setPowerState(bmc, 'power on', never), { code });
  await t.throwsAsync(driver.getPowerState(bmc, never), { code });
}

for (const transport of IPMI_TRANSPORTS) {
  test(`IPMI by ${transport}: one login, then none before the back-off, whatever the BMC is called`, async (t) => {
    const { clock, logins } = handled();
    const driver = newIpmiDriver({ logins, resolver: async () => ['127.0.0.1'] }) as unknown as Driver;
    t.teardown(() => driver.close());
    const { info, logins: seen, port } = await newSimBmc(t, { address: '127.0.0.1' });
    const wrong: DriverInfo = { ...info, ipmi_password: 'wrong', ipmi_transport: transport };
    const bmc = driver.parse(wrong);
    await t.throwsAsync(driver.getPowerState(bmc, never));
    const one = seen.count;
    t.true(one > 0);
    const { code } = await t.throwsAsync<Error & { code: string }>(driver.getPowerState(bmc, never));
    await refuses(driver, bmc, code, t);
    for (const address of ['bmc-by-name', '::ffff:127.0.0.1'])
      await refuses(driver, driver.parse({ ...wrong, ipmi_address: address }), code, t);
    t.is(seen.count, one, `port ${port}`);
    clock.moveOn(60_000);
    await refuses(driver, bmc, code, t);
    t.is(seen.count, 2 * one);
    clock.moveOn(60_000);
    await refuses(driver, bmc, code, t);
    t.is(seen.count, 2 * one, 'the second wait is longer');
    await driver.allowLogin(bmc, never);
    await refuses(driver, bmc, code, t);
    t.is(seen.count, 3 * one, 'an operator has asked');
    const right = driver.parse({ ...info, ipmi_transport: transport });
    t.is((await driver.getPowerState(right, never)).powerState, 'power on');
  });
}

test('iRMC: a wrong password is tried on one way only, and neither SCCI nor Redfish follows', async (t) => {
  const { clock, logins } = handled();
  const driver = newIrmcDriver(undefined, logins) as unknown as Driver;
  t.teardown(() => driver.close());
  const { info, logins: seen } = await newSimIrmc(t);
  const bmc = driver.parse({ ...withoutSnmp(info), irmc_password: 'wrong' });
  await refuses(driver, bmc, 'BMC_PASSWORD_WRONG', t);
  await t.throwsAsync(driver.getSupportedPowerStates(bmc, never), { code: 'BMC_PASSWORD_WRONG' });
  await t.throwsAsync(driver.abortPowerState(bmc, 'soft power off', never), { code: 'BMC_PASSWORD_WRONG' });
  t.is(seen(), 1);
  clock.moveOn(60_000);
  await refuses(driver, bmc, 'BMC_PASSWORD_WRONG', t);
  t.is(seen(), 2);
  await driver.allowLogin(bmc, never);
  await refuses(driver, bmc, 'BMC_PASSWORD_WRONG', t);
  t.is(seen(), 3);
  const right = driver.parse(info);
  t.is((await driver.getPowerState(right, never)).powerState, 'power on');
});

test('iRMC: a user that IPMI does not know is tried over HTTP once', async (t) => {
  const { logins } = handled();
  const driver = newIrmcDriver(undefined, logins) as unknown as Driver;
  t.teardown(() => driver.close());
  const { info, logins: seen } = await newSimIrmc(t);
  const bmc = driver.parse({ ...withoutSnmp(info), irmc_username: 'nobody' });
  await refuses(driver, bmc, 'BMC_LOGIN_REFUSED', t);
  t.is(seen(), 2);
});

/** The ways on which a login was really tried. */
class Tried extends Logins {
  readonly ways: string[] = [];

  override attempt<T>(account: Account, work: () => Promise<T>): Promise<T> {
    return super.attempt(account, () => {
      this.ways.push(account.way);
      return work();
    });
  }
}

test('iRMC: a login that SNMP refuses is not tried with each reading that IPMI answers', async (t) => {
  const logins = new Tried(new HandClock());
  const driver = newIrmcDriver(undefined, logins) as unknown as Driver;
  t.teardown(() => driver.close());
  const { info, ports } = await newSimIrmc(t);
  const v3 = {
    irmc_snmp_version: 'v3',
    irmc_snmp_user: 'reader',
    irmc_snmp_auth_password: 'not authentic',
    irmc_snmp_priv_password: 'encrypted',
    irmc_snmp_port: String(ports.snmp),
  };
  const bmc = driver.parse({ ...withoutSnmp(info), ...v3 });
  for (let reading = 0; reading < 3; reading += 1)
    t.is((await driver.getPowerState(bmc, never)).powerState, 'power on');
  t.deepEqual(logins.ways, ['SNMP', 'IPMI', 'IPMI', 'IPMI']);
  const account = snmpAccountOf(bmc.info as IrmcInfo, info.irmc_address ?? '');
  t.true(account !== null && logins.isHeld(account));
});

function withoutSnmp(info: DriverInfo): DriverInfo {
  return Object.fromEntries(Object.entries(info).filter(([key]) => !key.startsWith('irmc_snmp_')));
}

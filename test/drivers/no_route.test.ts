/** Addresses to which the system sends nothing: an error of that BMC, with real sockets, over every way to a BMC. */
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import type { Driver, DriverInfo } from '../../src/drivers/driver.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { never } from '../counterparts/signals.ts';

const ipmi = newIpmiDriver();
const irmc = newIrmcDriver();
test.after.always(async () => {
  await ipmi.close();
  await irmc.close();
});

/** The system refuses to connect a socket to these: broadcast, and no address at all. */
const ADDRESSES = ['255.255.255.255', '::ffff:255.255.255.255'];
const login = (prefix: string, address: string): DriverInfo => ({
  [`${prefix}_address`]: address,
  [`${prefix}_username`]: 'admin',
  [`${prefix}_password`]: 'secret',
});

const WAYS: readonly (readonly [name: string, driver: Driver, info: (address: string) => DriverInfo])[] = [
  ['ipmi, native', ipmi as Driver, (address) => login('ipmi', address)],
  ['ipmi, ipmitool', ipmi as Driver, (address) => ({ ...login('ipmi', address), ipmi_transport: 'ipmitool' })],
  ['irmc, SNMP', irmc as Driver, (address) => ({ ...login('irmc', address), irmc_snmp_version: 'v2c' })],
  ['irmc, IPMI', irmc as Driver, (address) => ({ ...login('irmc', address), irmc_read: 'ipmi' })],
];

for (const [name, driver, infoOf] of WAYS) {
  for (const address of ADDRESSES) {
    test(`${name}: ${address}`, async (t) => {
      let bmc: ReturnType<Driver['parse']>;
      try {
        bmc = driver.parse(infoOf(address));
      } catch (error) {
        t.is((error as CountermandError).code, 'DRIVER_INFO_INVALID');
        return;
      }
      for (let time = 0; time < 2; time += 1) {
        const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
        t.regex(error.code, /^BMC_(NO_ROUTE|SILENT|PORT_CLOSED)$/, error.message);
      }
    });
  }
}

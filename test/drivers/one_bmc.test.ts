/** One BMC is one place, whatever driver leads to it: it has one queue, and two nodes for it are told. */
import test from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { createDrivers } from '../../src/drivers/list.ts';

const drivers = createDrivers({
  clock: systemClock,
  chance: systemChance,
  searchPath: '',
  ipmiKeepSessionMs: 0,
  bmcCaFolder: null,
  openFilesLimit: 1024,
});

async function placeOf(name: string, info: DriverInfo): Promise<string> {
  const driver = drivers.find((each) => each.name === name);
  if (!driver) throw new Error(`no driver ${name}`);
  return driver.locate(driver.parse(info), 'anew', new AbortController().signal);
}

const IPMI = { ipmi_username: 'admin', ipmi_password: 'geheim' };
const IRMC = { irmc_username: 'admin', irmc_password: 'geheim' };
const REDFISH = { redfish_username: 'admin', redfish_password: 'geheim' };

/** Ways to the BMC 10.0.7.1, as drivers name them. */
const WAYS: readonly [string, DriverInfo][] = [
  ['ipmi', { ...IPMI, ipmi_address: '10.0.7.1' }],
  ['ipmi', { ...IPMI, ipmi_address: '::ffff:10.0.7.1', ipmi_port: '623' }],
  ['ipmi', { ...IPMI, ipmi_address: '10.0.7.1', ipmi_transport: 'ipmitool' }],
  ['irmc', { ...IRMC, irmc_address: '10.0.7.1' }],
  ['irmc', { ...IRMC, irmc_address: '10.0.7.1', irmc_port: '80' }],
  ['redfish', { ...REDFISH, redfish_address: '10.0.7.1' }],
  ['redfish', { ...REDFISH, redfish_address: 'https://10.0.7.1:443', redfish_system_id: '/redfish/v1/Systems/2' }],
  ['redfish', { ...REDFISH, redfish_address: 'http://[::ffff:a00:701]' }],
];
for (const [name, info] of WAYS)
  test(`${name} ${JSON.stringify(info)} leads to 10.0.7.1`, async (t) => {
    t.is(await placeOf(name, info), '10.0.7.1');
  });

test('another port is another BMC: many may stand behind one address', async (t) => {
  const places = await Promise.all([
    placeOf('ipmi', { ...IPMI, ipmi_address: '10.0.7.1', ipmi_port: '624' }),
    placeOf('irmc', { ...IRMC, irmc_address: '10.0.7.1', irmc_port: '8443' }),
    placeOf('redfish', { ...REDFISH, redfish_address: 'https://10.0.7.1:80' }),
    placeOf('ipmi', { ...IPMI, ipmi_address: '10.0.7.10' }),
  ]);
  t.deepEqual(places, ['10.0.7.1:624', '10.0.7.1:8443', '10.0.7.1:80', '10.0.7.10']);
});

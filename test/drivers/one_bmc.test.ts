/** One BMC is one place, whatever driver leads to it: it has one queue, and two nodes for it are told. */
import test from 'ava';
import * as z from 'zod';
import { forOneBmc } from '../../src/agent/one_bmc.ts';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { type Driver, type DriverInfo, defineDriver } from '../../src/drivers/driver.ts';
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

/** A driver whose BMC has no GUID, and is where `at` says; an order ends as `ends` says. */
function wandering(ends: () => Promise<string>) {
  const at = { place: '10.0.7.1' };
  const asked: unknown[] = [];
  const driver = defineDriver({
    name: 'stub',
    schema: z.object({}),
    keyOf: () => 'stub',
    getPowerState: async () => ({ powerState: 'power on' as const, ...at }),
    async setPowerState({ only }) {
      asked.push(only);
      return ends();
    },
  }) as Driver;
  return { driver: forOneBmc(driver, null), bmc: driver.parse({}), at, asked };
}

for (const [what, ends, isKept] of [
  ['accepted', async () => '', true],
  ['not answered', () => Promise.reject(fail('NO_ANSWER', 'the test says so')), true],
  ['certainly not sent', () => Promise.reject(fail('BMC_BUSY', 'the test says so')), false],
] as const)
  test(`an order goes to the place that was read; it was ${what}: its outcome is ${isKept ? '' : 'not '}read there only`, async (t) => {
    const { driver, bmc, at, asked } = wandering(ends);
    const { signal } = new AbortController();
    await driver.getPowerState(bmc, signal);
    await driver.setPowerState(bmc, 'rebooting', signal).catch(() => {});
    t.deepEqual(asked, [{ guid: null, place: '10.0.7.1' }]);
    at.place = '10.0.7.2';
    const read = driver.getPowerState(bmc, signal);
    if (isKept) t.like(await t.throwsAsync(read), { code: 'BMC_MOVED' });
    else t.is((await read).place, '10.0.7.2');
  });

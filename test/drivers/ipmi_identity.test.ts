/** Which machine an order goes to: names move between two real BMCs, addresses get another machine, GUIDs prove or do not. */
import test, { type ExecutionContext } from 'ava';
import { forOneBmc } from '../../src/agent/one_bmc.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { IpmiInfo } from '../../src/drivers/ipmi/info.ts';
import type { IpmiSim } from '../../src/sim/ipmi_sim.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';

const GUIDS = ['11111111222233334444555555555555', 'aaaaaaaabbbbccccddddeeeeeeeeeeee'] as const;
const SHOWN = '11111111-2222-3333-4444-555555555555';

/** A second loopback address that is this process's alone. */
const otherAddress = (): string => ownAddress().replace(/^127\.(\d+)/, (_, part) => `127.${Number(part) + 64}`);

interface Moving {
  readonly driver: Driver<IpmiInfo>;
  readonly bmc: ReturnType<Driver<IpmiInfo>['parse']>;
  readonly first: IpmiSim;
  readonly second: IpmiSim;
  /** How often the name was looked up. */
  lookups(): number;
  /** The name means the second BMC from now on. */
  move(): void;
}

/** Two BMCs at one port of two addresses, and a name that means the first. */
async function newMoving(
  t: ExecutionContext,
  transport: IpmiTransport,
  guids: readonly [string, string] = GUIDS,
): Promise<Moving> {
  const first = await newIpmiSim(t, { guid: guids[0] });
  const second = await newIpmiSim(t, { address: otherAddress(), port: first.port, guid: guids[1] });
  let addresses: readonly string[] = [first.address];
  let asked = 0;
  const driver = newIpmiDriver({
    clock: new PatientClock(),
    async resolver(host) {
      t.is(host, 'bmc7.example');
      asked += 1;
      return addresses;
    },
  });
  t.teardown(() => driver.close());
  const bmc = driver.parse({ ...infoOf(first), ipmi_address: 'bmc7.example', ipmi_transport: transport });
  return {
    driver,
    bmc,
    first,
    second,
    lookups: () => asked,
    move: () => {
      addresses = [second.address];
    },
  };
}

const ordersAt = async (sim: IpmiSim): Promise<string[]> =>
  (await sim.received()).filter((command) => command !== 'status');

for (const transport of IPMI_TRANSPORTS) {
  test(`${transport}: a name that has moved is looked up again before an order`, async (t) => {
    const { driver, bmc, first, second, lookups, move } = await newMoving(t, transport);
    await driver.getPowerState(bmc, never());
    move();
    await driver.setPowerState(bmc, 'power off', never());
    t.deepEqual(await ordersAt(first), []);
    t.deepEqual(await ordersAt(second), ['off']);
    t.is(await first.power(), 'power on');
    const before = lookups();
    await driver.setPowerState(bmc, 'power on', never());
    t.is(lookups(), before + 1, 'once for each order');
  });

  test(`${transport}: an order for the machine that was read goes nowhere else`, async (t) => {
    const { driver, bmc, first, second, move } = await newMoving(t, transport);
    const one = forOneBmc(driver as Driver, null);
    const reading = await one.getPowerState(bmc, never());
    t.is(reading.guid, SHOWN);
    t.is(reading.place, `${first.address}:${first.port}`);
    move();
    await t.throwsAsync(one.setPowerState(bmc, 'power off', never()), { code: 'BMC_IS_ANOTHER' } as object);
    await t.throwsAsync(one.setPowerState(bmc, 'soft power off', never()), { code: 'BMC_IS_ANOTHER' } as object);
    t.deepEqual([...(await ordersAt(first)), ...(await ordersAt(second))], []);
  });

  test(`${transport}: the GUID that is known decides, whatever the name means`, async (t) => {
    const { driver, bmc, first } = await newMoving(t, transport);
    const another = forOneBmc(driver as Driver, 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee');
    const error = await t.throwsAsync(another.getPowerState(bmc, never()), { code: 'BMC_IS_ANOTHER' } as object);
    t.true(error?.message.includes(SHOWN) && error.message.includes('aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'));
    await t.throwsAsync(another.setPowerState(bmc, 'power off', never()), { code: 'BMC_IS_ANOTHER' } as object);
    t.deepEqual(await ordersAt(first), []);
    const same = forOneBmc(driver as Driver, SHOWN);
    await same.getPowerState(bmc, never());
    await same.setPowerState(bmc, 'power off', never());
    t.deepEqual(await ordersAt(first), ['off']);
  });

  for (const guid of ['0'.repeat(32), 'f'.repeat(32)]) {
    test(`${transport}: a GUID of ${guid[0]} only proves nothing; then the address has to be the same`, async (t) => {
      const { driver, bmc, first, second, move } = await newMoving(t, transport, [guid, guid]);
      const one = forOneBmc(driver as Driver, SHOWN);
      const reading = await one.getPowerState(bmc, never());
      t.is(reading.guid, undefined);
      await one.setPowerState(bmc, 'power off', never());
      t.deepEqual(await ordersAt(first), ['off']);
      move();
      await t.throwsAsync(one.setPowerState(bmc, 'power on', never()), { code: 'BMC_MOVED' } as object);
      await t.throwsAsync(one.getPowerState(bmc, never()), { code: 'BMC_MOVED' } as object);
      t.deepEqual(await ordersAt(second), []);
      // Another order begins with a reading of its own.
      const next = forOneBmc(driver as Driver, null);
      await next.getPowerState(bmc, never());
      await next.setPowerState(bmc, 'power off', never());
      t.deepEqual(await ordersAt(second), ['off']);
    });
  }
}

test('two names, an address and its IPv6 form are one place, whoever asks', async (t) => {
  const sim = await newIpmiSim(t);
  const driver = newIpmiDriver({ resolver: async () => [`::ffff:${sim.address}`] });
  t.teardown(() => driver.close());
  const spelled = [sim.address, `::ffff:${sim.address}`, 'bmc.example', 'BMC.example.', 'other.example'];
  const places = await Promise.all(
    spelled.map((ipmi_address) => driver.locate(driver.parse({ ...infoOf(sim), ipmi_address }), 'anew', never())),
  );
  t.deepEqual(new Set(places), new Set([`${sim.address}:${sim.port}`]));
  const keys = spelled.slice(0, 2).map((ipmi_address) => driver.parse({ ...infoOf(sim), ipmi_address }).key);
  t.is(new Set(keys).size, 1, 'the conductor sees it without a name server');
});

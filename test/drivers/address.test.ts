/** One spelling for each address, as far as it can be had without a name server. */
import test from 'ava';
import { addressSchema } from '../../src/drivers/address.ts';
import { createIpmiDriver } from '../../src/drivers/ipmi/driver.ts';
import { createIrmcDriver } from '../../src/drivers/irmc/driver.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const SPELLINGS: readonly (readonly [normal: string, ...others: string[]])[] = [
  ['127.0.0.1', '::ffff:127.0.0.1', '::FFFF:7F00:1', '0:0:0:0:0:ffff:7f00:0001', '::ffff:7f00:0001'],
  ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:a00:1'],
  ['2001:db8::1', '2001:DB8::1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8:0:0:0:0:0:1'],
  ['::1', '0:0:0:0:0:0:0:1', '0000::0001'],
  ['bmc7.example', 'BMC7.example', 'bmc7.Example.'],
  ['localhost', 'LOCALHOST', 'localhost.'],
];

for (const [normal, ...others] of SPELLINGS) {
  test(`${normal} is one address, however it is spelled`, (t) => {
    for (const spelled of [normal, ...others]) t.is(addressSchema.parse(spelled), normal);
  });
}

test('what is no spelling of an address is refused', (t) => {
  for (const wrong of ['010.0.0.1', '127.1', '0x7f000001', '10.0.0.1.', '::ffff:10.0.0.256', 'fe80::1%eth0', ''])
    t.false(addressSchema.safeParse(wrong).success, wrong);
});

test('the key of a BMC has the address in that spelling, and its port, said or not', (t) => {
  const parts = { clock: new VirtualClock(), chance: seededChance(1), keepSessionMs: 0 };
  const ipmi = createIpmiDriver({ ...parts, searchPath: '' });
  const irmc = createIrmcDriver({ ...parts, restMs: 0 });
  const keys = [
    ipmi.parse({ ipmi_address: '::ffff:10.0.0.1' }),
    ipmi.parse({ ipmi_address: '10.0.0.1', ipmi_port: '623' }),
    ipmi.parse({ ipmi_address: '10.0.0.1', ipmi_port: '00623' }),
    irmc.parse({ irmc_address: '::ffff:10.0.0.1', irmc_username: 'u', irmc_password: 'p' }),
    irmc.parse({ irmc_address: '10.0.0.1', irmc_username: 'u', irmc_password: 'p', irmc_port: '443' }),
  ].map(({ key }) => key);
  t.deepEqual(keys, [...Array(3).fill('ipmi://10.0.0.1:623'), ...Array(2).fill('irmc://10.0.0.1:443')]);
});

import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { CountermandError } from '../../src/core/errors.ts';
import { type DriverInfo, secretKeysOf } from '../../src/drivers/driver.ts';
import { bmcName, originOf } from '../../src/drivers/redfish/info.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';

const driver = newRedfishDriver(systemClock);
const GOOD: DriverInfo = {
  redfish_address: 'bmc1.example',
  redfish_username: 'admin',
  redfish_password: 'secret',
};
const keyOf = (more: DriverInfo): string => driver.parse({ ...GOOD, ...more }).key;

test('address, user and password must be given, and mean https', (t) => {
  const { key, info } = driver.parse(GOOD);
  t.is(key, 'redfish://bmc1.example:443/');
  t.is(originOf(info), 'https://bmc1.example');
  t.is(info.redfish_client_timeout, 30);
  t.is(info.redfish_auth_type, 'auto');
  t.is(info.redfish_verify_ca, 'true');
  for (const missing of Object.keys(GOOD)) {
    const rest = Object.fromEntries(Object.entries(GOOD).filter(([name]) => name !== missing));
    t.throws(() => driver.parse(rest), { message: new RegExp(`driver_info.${missing} is missing`) });
  }
  t.deepEqual([...secretKeysOf(driver)], ['redfish_password']);
});

for (const [address, origin, key] of [
  ['https://BMC1.example/', 'https://bmc1.example', 'redfish://bmc1.example:443/'],
  ['bmc1.example:8443', 'https://bmc1.example:8443', 'redfish://bmc1.example:8443/'],
  ['http://10.0.0.7', 'http://10.0.0.7', 'redfish://10.0.0.7:80/'],
  ['2001:DB8::7', 'https://[2001:db8::7]', 'redfish://[2001:db8::7]:443/'],
  ['[2001:db8::7]:8443', 'https://[2001:db8::7]:8443', 'redfish://[2001:db8::7]:8443/'],
  ['https://gate.example/rack7/bmc1', 'https://gate.example', 'redfish://gate.example:443/rack7/bmc1/'],
  ['https://bmc1.example/redfish/v1/', 'https://bmc1.example', 'redfish://bmc1.example:443/'],
] as const)
  test(`redfish_address ${address}`, (t) => {
    t.is(keyOf({ redfish_address: address }), key);
    t.is(originOf(driver.parse({ ...GOOD, redfish_address: address }).info), origin);
  });

test('the key has the System, in one spelling; messages name the BMC', (t) => {
  for (const id of ['Node1', '/redfish/v1/Systems/Node1', '/redfish/v1/Systems/Node1/'])
    t.is(keyOf({ redfish_system_id: id }), 'redfish://bmc1.example:443/Node1');
  t.not(keyOf({ redfish_system_id: 'Node1' }), keyOf({ redfish_system_id: 'Node2' }));
  t.is(keyOf({ redfish_system_id: '/other/Systems/1' }), 'redfish://bmc1.example:443//other/Systems/1');
  t.is(bmcName(driver.parse({ ...GOOD, redfish_system_id: 'Node1' }).info), 'bmc1.example:443');
});

test('nodes on one BMC have one place: they share its pace', async (t) => {
  const { signal } = new AbortController();
  const places = ['Node1', 'Node2'].map((id) =>
    driver.locate(driver.parse({ ...GOOD, redfish_address: '10.0.0.7', redfish_system_id: id }), 'anew', signal),
  );
  t.deepEqual(await Promise.all(places), ['10.0.0.7', '10.0.0.7']);
});

for (const [more, says] of [
  [{ redfish_address: 'ftp://bmc1' }, /redfish_address: must be a host/],
  [{ redfish_address: 'https://admin:pw@bmc1' }, /redfish_address: must be a host/],
  [{ redfish_address: 'https://bmc1/?x=1' }, /redfish_address: must be a host/],
  [{ redfish_address: 'https://bmc1/#x' }, /redfish_address: must be a host/],
  [{ redfish_address: 'bmc1 example' }, /redfish_address: must be a host/],
  [{ redfish_address: 'bmc1:99999' }, /redfish_address: must be a host/],
  [{ redfish_address: '' }, /redfish_address: must be a host/],
  [{ redfish_address: '-oProxy' }, /redfish_address: must be a host/],
  [{ redfish_system_id: '' }, /redfish_system_id: must be the Id/],
  [{ redfish_system_id: '//evil.example/Systems/1' }, /redfish_system_id: must be the Id/],
  [{ redfish_system_id: '../Managers/1' }, /redfish_system_id: must be the Id/],
  [{ redfish_system_id: '1?x' }, /redfish_system_id: must be the Id/],
  [{ redfish_username: 'a:b' }, /redfish_username: must be a user name without a colon/],
  [{ redfish_password: '' }, /redfish_password: must not be empty/],
  [{ redfish_auth_type: 'digest' }, /redfish_auth_type: must be auto, basic or session/],
  [{ redfish_tls_minimum_version: '0.9' }, /redfish_tls_minimum_version: must be 1.0/],
  [{ redfish_tls_ciphers: 'a b' }, /redfish_tls_ciphers: must be a list/],
  [{ redfish_client_timeout: '0' }, /redfish_client_timeout: must be a number of seconds/],
  [{ redfish_port: '443' }, /has no key 'redfish_port'/],
] as const)
  test(`refused: ${JSON.stringify(more)}`, (t) => {
    const error = t.throws(() => driver.parse({ ...GOOD, ...more }), { instanceOf: CountermandError });
    t.is(error.code, 'DRIVER_INFO_INVALID');
    t.regex(error.message, says);
    t.notRegex(error.message, /secret/);
  });

import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { type DriverInfo, infoSchemaOf } from '../../src/drivers/driver.ts';
import { newIpmiDriver } from '../counterparts/ipmi_driver.ts';

const driver = newIpmiDriver();
test.after.always(() => driver.close());
const GOOD: DriverInfo = { ipmi_address: 'bmc1.example', ipmi_username: 'admin', ipmi_password: 'secret' };

test('only the address must be given', (t) => {
  const { key, info } = driver.parse({ ipmi_address: '192.0.2.7' });
  t.is(key, 'ipmi://192.0.2.7:623');
  t.deepEqual(info, {
    ipmi_address: '192.0.2.7',
    ipmi_port: 623,
    ipmi_username: '',
    ipmi_password: '',
    ipmi_priv_level: 'ADMINISTRATOR',
    ipmi_transport: 'native',
  });
});

const sameKey = test.macro({
  exec: (t, address: string, key: string) => t.is(driver.parse({ ...GOOD, ipmi_address: address }).key, key),
  title: (_, address) => `address '${address}' is taken`,
});
test(sameKey, '192.0.2.7', 'ipmi://192.0.2.7:623');
test(sameKey, '2001:DB8:0:0::0:7', 'ipmi://[2001:db8::7]:623');
test(sameKey, 'BMC1.Example', 'ipmi://bmc1.example:623');
test(sameKey, 'bmc1.example.', 'ipmi://bmc1.example:623');
test(sameKey, 'r7n1_bmc', 'ipmi://r7n1_bmc:623');

test('ports are numbers', (t) => {
  t.is(driver.parse({ ...GOOD, ipmi_port: '06230' }).key, 'ipmi://bmc1.example:6230');
  t.is(driver.parse({ ...GOOD, ipmi_port: '65535' }).info.ipmi_port, 65_535);
});

test('lengths count bytes, and the last one is still good', (t) => {
  const longest = { ...GOOD, ipmi_password: 'ü'.repeat(10), ipmi_username: 'é'.repeat(8) };
  t.notThrows(() => driver.parse(longest));
});

test('a K_g may end in padding, and be nothing but that', (t) => {
  const keyOf = (hex: string) => driver.parse({ ...GOOD, ipmi_hex_kg_key: hex }).info.ipmi_hex_kg_key?.toString('hex');
  t.is(keyOf('61FF'), '61ff');
  t.is(keyOf(`1000${'00'.repeat(18)}`), '10');
  t.is(keyOf('00'.repeat(20)), '');
});

const SECRET = 'tops3cret';

const refused = test.macro({
  exec: (t, bad: DriverInfo, says: RegExp) => {
    const error = t.throws(() => driver.parse(bad), { instanceOf: CountermandError });
    t.is(error.code, 'DRIVER_INFO_INVALID');
    t.regex(error.message, says);
    t.false(error.message.includes(SECRET));
    t.false(JSON.stringify(error).includes(SECRET));
  },
  title: (_, bad) => `refused: ${JSON.stringify(bad)}`,
});
const bad = (key: string, value: string): DriverInfo => ({ ...GOOD, [key]: value });

test(refused, {}, /^driver_info.ipmi_address is missing$/);
test(refused, { ...GOOD, ipmi_adress: 'x', ipmi_bridging: 'no' }, /has no key 'ipmi_adress', 'ipmi_bridging'/);
for (const address of [
  '',
  '-v',
  '--help',
  '-H.example',
  'bmc 1',
  'bmc1;reboot',
  'a..b',
  '.',
  'x-.example',
  '1.2.3',
  '1.2.3.256',
  '42',
  '127.1',
  '0x7f000001',
  '010.0.0.1',
  'fe80::1%eth0',
  '[::1]',
  'bmc1:623',
  `${'a'.repeat(64)}.example`,
  'a.'.repeat(127),
]) {
  test(refused, bad('ipmi_address', address), /ipmi_address: must be an IPv4 address, an IPv6 address/);
}
for (const port of ['0', '65536', '-1', '1e3', 'abc', '', ' 623', '623 ', '999999'])
  test(refused, bad('ipmi_port', port), /ipmi_port: must be a port, 1 to 65535/);
test(refused, bad('ipmi_username', 'a'.repeat(17)), /ipmi_username: must be at most 16 bytes/);
test(refused, bad('ipmi_username', 'é'.repeat(9)), /ipmi_username: must be at most 16 bytes/);
test(refused, bad('ipmi_username', 'a\0b'), /ipmi_username: must not contain a zero byte/);
test(refused, bad('ipmi_password', `${SECRET}${'x'.repeat(12)}`), /ipmi_password: must be at most 20 bytes/);
test(refused, bad('ipmi_password', `${SECRET}${'ü'.repeat(6)}`), /ipmi_password: must be at most 20 bytes/);
test(refused, bad('ipmi_password', `${SECRET}\0`), /ipmi_password: must not contain a zero byte/);
test(refused, bad('ipmi_priv_level', 'ROOT'), /ipmi_priv_level: must be ADMINISTRATOR, OPERATOR, USER or CALLBACK/);
for (const suite of ['0', '1', '2', '8', '15', '16', '18', '', '3 ', '03', 'abc'])
  test(refused, bad('ipmi_cipher_suite', suite), /ipmi_cipher_suite: must be 3 or 17: suite 0 lets anybody in/);
for (const key of ['6', '616', 'xx', '', `${'61'.repeat(21)}`, '0x61', SECRET])
  test(refused, bad('ipmi_hex_kg_key', key), /ipmi_hex_kg_key: must be 1 to 20 bytes in hexadecimal/);
test(
  refused,
  { ...bad('ipmi_hex_kg_key', '610062'), ipmi_transport: 'ipmitool' },
  /ipmi_hex_kg_key: must not contain a zero byte before its end/,
);
test(refused, bad('ipmi_transport', 'openipmi'), /ipmi_transport: must be native or ipmitool/);
test(refused, { ...bad('ipmi_port', '0'), ipmi_cipher_suite: '0' }, /ipmi_port: .*; driver_info.ipmi_cipher_suite: /);

test('only ipmitool cannot have a K_g with a zero byte inside', (t) => {
  t.is(driver.parse(bad('ipmi_hex_kg_key', '610062')).info.ipmi_hex_kg_key?.toString('hex'), '610062');
});

test('the schema that agents report describes every key and marks the secrets', (t) => {
  const { properties, required, additionalProperties } = infoSchemaOf(driver) as {
    properties: Record<string, { description?: string; writeOnly?: boolean }>;
    required: string[];
    additionalProperties: boolean;
  };
  t.true(Object.values(properties).every(({ description }) => description !== undefined));
  const secrets = Object.keys(properties).filter((key) => properties[key]?.writeOnly);
  t.deepEqual(secrets, ['ipmi_password', 'ipmi_hex_kg_key']);
  t.deepEqual(required, ['ipmi_address']);
  t.false(additionalProperties);
});

test('it lists the targets of Ironic, without an abort of an NMI', (t) => {
  t.deepEqual(driver.targets, [
    'power on',
    'power off',
    'rebooting',
    'soft rebooting',
    'soft power off',
    'inject nmi',
    'abort soft rebooting',
    'abort soft power off',
  ]);
  t.deepEqual(driver.recalls, []);
  t.false(driver.softRebootInOneCommand);
});

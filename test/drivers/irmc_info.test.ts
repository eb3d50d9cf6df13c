import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { type DriverInfo, secretKeysOf } from '../../src/drivers/driver.ts';
import { endpointOf, snmpOf } from '../../src/drivers/irmc/info.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';

const driver = newIrmcDriver();
test.after.always(() => driver.close());
const GOOD: DriverInfo = { irmc_address: 'irmc1.example', irmc_username: 'admin', irmc_password: 'secret' };

test('address, user and password must be given, and make an iRMC over https', (t) => {
  const { key, info } = driver.parse(GOOD);
  t.is(key, 'irmc://irmc1.example:443');
  t.deepEqual(endpointOf(info), { protocol: 'https', port: 443 });
  t.is(snmpOf(info), null);
  t.is(info.irmc_client_timeout, 60);
  for (const missing of Object.keys(GOOD)) {
    const rest = Object.fromEntries(Object.entries(GOOD).filter(([name]) => name !== missing));
    t.throws(() => driver.parse(rest), { message: new RegExp(`driver_info.${missing} is missing`) });
  }
});

test('ports and protocols', (t) => {
  const endpoint = (more: DriverInfo) => endpointOf(driver.parse({ ...GOOD, ...more }).info);
  t.deepEqual(endpoint({ irmc_port: '80' }), { protocol: 'http', port: 80 });
  t.deepEqual(endpoint({ irmc_port: '8443' }), { protocol: 'https', port: 8443 });
  t.deepEqual(endpoint({ irmc_protocol: 'http' }), { protocol: 'http', port: 80 });
  t.deepEqual(endpoint({ irmc_protocol: 'https', irmc_port: '80' }), { protocol: 'https', port: 80 });
  t.is(driver.parse({ ...GOOD, irmc_address: '2001:DB8::7', irmc_port: '8443' }).key, 'irmc://[2001:db8::7]:8443');
});

test('SNMP is where a key of it is', (t) => {
  const snmp = (more: DriverInfo) => snmpOf(driver.parse({ ...GOOD, ...more }).info);
  t.deepEqual(snmp({ irmc_snmp_version: 'v1' }), { version: 'v1', port: 161, community: 'public' });
  t.deepEqual(snmp({ irmc_snmp_community: 'c' }), { version: 'v2c', port: 161, community: 'c' });
  const v3 = { irmc_snmp_version: 'v3', irmc_snmp_auth_password: '12345678', irmc_snmp_priv_password: '87654321' };
  const expected = {
    version: 'v3',
    port: 161,
    user: 'u',
    authPassword: '12345678',
    authProtocol: 'sha',
    privacyPassword: '87654321',
  } as const;
  t.deepEqual(snmp({ ...v3, irmc_snmp_user: 'u' }), expected);
  t.deepEqual(snmp({ ...v3, irmc_snmp_security: 'u' }), expected, 'the old name of the user');
});

const refused = test.macro({
  exec(t, more: DriverInfo, says: RegExp) {
    const error = t.throws(() => driver.parse({ ...GOOD, ...more }), { instanceOf: CountermandError });
    t.is(error.code, 'DRIVER_INFO_INVALID');
    t.regex(error.message, says);
    for (const value of Object.values(more))
      if (value.length > 3) t.false(error.message.includes(value), error.message);
  },
  title: (_, more) => `refused: ${JSON.stringify(more)}`,
});
test(refused, { irmc_port: '0' }, /irmc_port: must be a port/);
test(refused, { irmc_port: '65536' }, /irmc_port: must be a port/);
test(refused, { irmc_protocol: 'ftp' }, /irmc_protocol: must be http or https/);
test(refused, { irmc_password: '' }, /irmc_password: must not be empty/);
test(refused, { irmc_auth_method: 'ntlm' }, /irmc_auth_method: must be basic or digest/);
test(refused, { irmc_client_timeout: '0' }, /irmc_client_timeout: must be a number of seconds/);
test(refused, { irmc_client_timeout: '1e3' }, /irmc_client_timeout: must be a number of seconds/);
test(refused, { irmc_snmp_version: 'v4' }, /irmc_snmp_version: must be v1, v2c or v3/);
test(
  refused,
  { irmc_snmp_version: 'v3' },
  /irmc_snmp_user: is needed with irmc_snmp_version v3.*auth_password.*priv_password/,
);
test(refused, { irmc_snmp_auth_password: 'sevenxx' }, /irmc_snmp_auth_password: must be at least 8 characters/);
test(refused, { irmc_snmp_priv_proto: 'des' }, /irmc_snmp_priv_proto: must be aes/);
test(refused, { irmc_snmp_auth_proto: 'md5' }, /irmc_snmp_auth_proto: must be sha/);
test(refused, { ipmi_address: '192.0.2.7' }, /has no key 'ipmi_address'/);

test('what is secret', (t) => {
  const secrets = ['irmc_password', 'irmc_snmp_community', 'irmc_snmp_auth_password', 'irmc_snmp_priv_password'];
  t.deepEqual([...secretKeysOf(driver)].sort(), secrets.sort());
});

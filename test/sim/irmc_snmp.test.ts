/** The SNMP agent of the simulated iRMC, asked with Net-SNMP's own client. */
import test from 'ava';
import { BOOT_STATUS } from '../../src/sim/host.ts';
import type { SnmpFault } from '../../src/sim/irmc/faults.ts';
import type { SnmpAuthProtocol } from '../../src/sim/irmc/logins.ts';
import { IRMC_SNMP, newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';
import { asCommunity, asUser, type SnmpConfiguration, snmpget } from '../counterparts/snmpget.ts';
import { WAIT_S } from '../counterparts/waits.ts';

const SC2 = '1.3.6.1.4.1.231.2.10.2.2.10';
const CURRENT_BOOT_STATUS = `${SC2}.4.1.1.4.1`;
const POWER_ON_OFF_STATUS = `${SC2}.4.2.1.2.1`;
const FOREVER = Number.POSITIVE_INFINITY;

const reads = test.macro({
  exec: async (t, _how: string, configure: (tested: TestedIrmc) => SnmpConfiguration) => {
    const tested = await newSimIrmc(t, { host: { softMs: FOREVER } });
    const ask = () => snmpget(t, tested, configure(tested), [CURRENT_BOOT_STATUS, POWER_ON_OFF_STATUS]);
    const said = (boot: number, power: number): string =>
      `.${CURRENT_BOOT_STATUS} ${boot}\n.${POWER_ON_OFF_STATUS} ${power}`;
    t.is(await ask(), said(BOOT_STATUS['os-running'], 3));
    tested.irmc.host.stopSoftly(false);
    t.is(await ask(), said(BOOT_STATUS['os-shutdown'], 3));
    tested.irmc.host.setPower('power off');
    t.is(await ask(), said(BOOT_STATUS.off, 2));
  },
  title: (_, how) => `boot status and power, read with ${how}`,
});
test(reads, 'v1', (tested) => asCommunity(tested, '1'));
test(reads, 'v2c', (tested) => asCommunity(tested, '2c'));
test(reads, 'v3', (tested) => asUser(tested));

for (const authProtocol of ['sha256', 'sha384', 'sha512'] satisfies SnmpAuthProtocol[])
  test(`v3 with ${authProtocol}`, async (t) => {
    const tested = await newSimIrmc(t, { snmp: { user: { ...IRMC_SNMP.user, authProtocol } } });
    t.is(await snmpget(t, tested, asUser(tested), [CURRENT_BOOT_STATUS]), `.${CURRENT_BOOT_STATUS} 8`);
  });

/** Only a silence is not waited for longer. */
const waitingFor = (expected: RegExp) => ({
  waitS: expected.source === 'Timeout' ? WAIT_S.forSilence : WAIT_S.forAnswer,
});

const refuses = test.macro({
  exec: async (t, _what: string, configure: (tested: TestedIrmc) => SnmpConfiguration, expected: RegExp) => {
    const tested = await newSimIrmc(t);
    t.regex(await snmpget(t, tested, configure(tested), [CURRENT_BOOT_STATUS], waitingFor(expected)), expected);
  },
  title: (_, what) => `${what} is refused`,
});
const AUTHENTICATION_FAILURE = /Authentication failure/;
test(refuses, 'another community', (tested) => asCommunity(tested, '2c', 'private'), /Timeout/);
test(refuses, 'another user', (tested) => asUser(tested, { defSecurityName: 'nobody' }), /Unknown user name/);
test(
  refuses,
  'a wrong password',
  (tested) => asUser(tested, { defAuthPassphrase: 'mistaken' }),
  AUTHENTICATION_FAILURE,
);
test(refuses, 'a wrong key', (tested) => asUser(tested, { defPrivPassphrase: 'mistaken' }), /Timeout/);
test(refuses, 'no encryption', (tested) => asUser(tested, { defSecurityLevel: 'authNoPriv' }), AUTHENTICATION_FAILURE);
test(refuses, 'no password', (tested) => asUser(tested, { defSecurityLevel: 'noAuthNoPriv' }), AUTHENTICATION_FAILURE);

test('nothing is set', async (t) => {
  const tested = await newSimIrmc(t);
  const set = [CURRENT_BOOT_STATUS, 'i', '2'];
  t.regex(await snmpget(t, tested, asCommunity(tested, '2c'), set, { program: 'snmpset' }), /notWritable/);
  t.is(tested.irmc.host.boot, 'os-running');
});

test('a walk sees all there is, and ends', async (t) => {
  const tested = await newSimIrmc(t, { generation: 'S6' });
  const lines = (
    await snmpget(t, tested, asCommunity(tested, '2c'), ['1.3.6.1.4.1.231'], { program: 'snmpwalk' })
  ).split('\n');
  t.is(lines.length, 7);
  t.true(lines.includes(`.${SC2}.3.4.1.3.1.1 "iRMC S6"`));
  t.regex(lines.at(-1) ?? '', /No more variables/);
});

const shows = test.macro({
  exec: async (t, fault: SnmpFault, expected: RegExp) => {
    const tested = await newSimIrmc(t, { faults: { snmp: fault } });
    const configuration = asCommunity(tested, '2c');
    t.regex(await snmpget(t, tested, configuration, [CURRENT_BOOT_STATUS], waitingFor(expected)), expected);
    tested.irmc.faults = { ...tested.irmc.faults, snmp: 'none' };
    t.is(await snmpget(t, tested, asCommunity(tested, '2c'), [CURRENT_BOOT_STATUS]), `.${CURRENT_BOOT_STATUS} 8`);
  },
  title: (_, fault) => `the fault: ${fault}`,
});
test(shows, 'silent', /Timeout/);
test(shows, 'wrong type', /"about 8"/);
test(shows, 'no such object', /No Such Object/);
test(shows, 'unknown boot status', / 1$/);

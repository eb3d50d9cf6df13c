/** Every byte of a secret arrives, by the environment only where ipmitool is told. */
import test, { type ExecutionContext } from 'ava';
import { CountermandError, type ErrorCode, fail } from '../../src/core/errors.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { IPMI_TRANSPORTS, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { environmentOf, processesWith } from '../counterparts/processes.ts';
import { newPyghmiBmc } from '../counterparts/pyghmi.ts';
import { never } from '../counterparts/signals.ts';

/**
 * A driver of this test alone: the pauses of others would pass on its clock as well, and an answer would look as if it had been long
 * on its way. Then the driver waits longer for a better one, which is a timeout to this clock.
 */
function open(t: ExecutionContext) {
  const driver = newIpmiDriver({ clock: new PatientClock() });
  t.teardown(() => driver.close());
  return driver;
}

test('a living ipmitool shows no secret among its arguments, and has nothing in its environment that it does not need', async (t) => {
  const kgKey = Buffer.from('kg-tops3cret');
  const sim = await newIpmiSim(t, { holds: true, password: 'pw-tops3cret', kgKey });
  const driver = open(t);
  const bmc = driver.parse({ ...infoOf(sim), ipmi_hex_kg_key: kgKey.toString('hex'), ipmi_transport: 'ipmitool' });
  const controller = new AbortController();
  const order = driver.setPowerState(bmc, 'power off', controller.signal).catch((error) => error);
  await sim.untilReceived('off', 1, never());

  const [ipmitool] = await processesWith('ipmitool', sim.address, String(sim.port));
  const argv = ipmitool?.argv ?? [];
  t.is(argv[0], 'ipmitool');
  for (const secret of ['tops3cret', kgKey.toString('hex')]) t.false(argv.join(' ').toLowerCase().includes(secret));
  const environment = await environmentOf(ipmitool?.pid ?? 0);
  t.is(environment.IPMI_PASSWORD, 'pw-tops3cret');
  t.is(environment.IPMI_KGKEY, 'kg-tops3cret');
  t.deepEqual(
    Object.keys(environment).filter((name) => name !== 'PWD' && name !== 'OLDPWD'),
    Object.keys(environment).filter((name) => ['PATH', 'LC_ALL', 'HOME', 'IPMI_PASSWORD', 'IPMI_KGKEY'].includes(name)),
  );

  controller.abort(fail('ABORT_REQUESTED', 'seen enough'));
  t.is((await order).code, 'ABORT_REQUESTED');
  t.deepEqual(await processesWith('ipmitool', sim.address, String(sim.port)), []);
});

function opens(title: string, password: string, kgKey = Buffer.alloc(0)): void {
  test(title, async (t) => {
    const bmc = await newPyghmiBmc(t, { password, kgKey });
    const info = { ...infoOf(bmc), ...(kgKey.length > 0 && { ipmi_hex_kg_key: kgKey.toString('hex') }) };
    const driver = open(t);
    for (const transport of IPMI_TRANSPORTS) {
      const reading = driver.getPowerState(driver.parse({ ...info, ipmi_transport: transport }), never());
      t.like(await reading, { powerState: 'power on' }, transport);
    }
  });
}

opens('a password of 20 bytes', 'a2345678901234567890');
opens('a password that a shell would take for more', "$(id) `id` 'x' %s\"\\");
opens('a password beyond ASCII', 'Grüße-aus-Köln-ß');
opens('a password of blanks', '  x  ');
opens('a K_g of text', 'secret', Buffer.from('abc'));
opens('a K_g of 20 bytes', 'secret', Buffer.from('k2345678901234567890'));
opens('a K_g of any bytes, with a newline at its end', 'secret', Buffer.from('e9ff01807f25627c24275c3c0a', 'hex'));

test('another K_g is refused, and another password, and no error tells a secret', async (t) => {
  const sim = await newIpmiSim(t, { kgKey: Buffer.from('abc') });
  const driver = open(t);
  const wrongs: [DriverInfo, ErrorCode][] = [
    [{ ipmi_hex_kg_key: '746f707333637265740a' }, 'BMC_KG_WRONG'],
    [{ ipmi_password: 'tops3cret' }, 'BMC_PASSWORD_WRONG'],
  ];
  for (const [wrong, code] of wrongs)
    for (const transport of IPMI_TRANSPORTS) {
      const bmc = driver.parse({ ...infoOf(sim), ...wrong, ipmi_transport: transport });
      const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
      t.is(error.code, code, transport);
      t.false(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`.includes('tops3cret'));
    }
});

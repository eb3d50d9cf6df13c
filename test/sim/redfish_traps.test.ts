/** Each trap of real BMCs that `sim redfish` has as a flag: what the driver makes of it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import type { SimNode } from '../../src/cli/sim/text.ts';
import { CountermandError } from '../../src/core/errors.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import type { DriverInfo } from '../../src/drivers/driver.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { nodesIn, startSimCommand } from './sim_command.ts';

const address = ownAddress();
/** Longer than any test. */
const FOR_EVER = '86400000';

/** A service with these flags, and the driver that speaks to it. Each call ends with a code, `done`, or what was read. */
async function started(t: ExecutionContext, words: readonly string[], more: DriverInfo = {}) {
  const where = ['--address', address, '--first-port', '0', '--json'];
  const command = await startSimCommand(t, ['redfish', ...where, ...words]);
  const [node] = nodesIn(command.stdout()) as [SimNode];
  const driver = newRedfishDriver(new PatientClock());
  t.teardown(() => driver.close());
  const info = { ...node.driverInfo, ...more };
  const bmc = driver.parse(info);
  const told = (call: Promise<string>): Promise<string> =>
    call.catch((error: unknown) =>
      error instanceof CountermandError ? `${error.code}: ${error.message}` : String(error),
    );
  const read = () =>
    told(driver.getPowerState(bmc, never()).then(({ powerState, host }) => `${powerState}, ${host ?? 'no host'}`));
  const order = (target: OrderTarget) => told(driver.setPowerState(bmc, target, never()).then(() => 'done'));
  return { info, driver, read, order };
}

/** What is ordered first, and what the last reading or order has to say. */
type Trap = readonly [flags: string, orders: readonly OrderTarget[], says: RegExp, more?: DriverInfo];

const READ: readonly Trap[] = [
  ['--power-state null', [], /^BMC_GARBLED: .*power state is null/],
  ['--power-state PoweringOff', [], /^power on, stopping$/],
  [`--chassis-lag ${FOR_EVER}`, ['power off'], /^power on, stopping$/],
  [`--soft-off ${FOR_EVER} --soft-off-gives-up --transitions`, ['soft power off'], /^power on, stopping$/],
  ['--soft-off 0 --soft-off-gives-up --transitions', ['soft power off'], /^power on, running$/],
  [`--power off --on-falls-back ${FOR_EVER}`, ['power on'], /^power off, starting$/],
  ['--power off --on-falls-back 0', ['power on'], /^power off, no host$/],
  ['--boot-progress-stuck', [], /^power on, no host$/],
  ['--last-reset-time zero', [], /^power on, running$/],
  ['--last-reset-time 1970', [], /^power on, running$/],
  [`--last-reset-time at-request --soft-off ${FOR_EVER}`, ['soft power off'], /^power on, running$/],
  ['--answer 1', [], /^power on, running$/],
  ['--links whole', ['rebooting'], /^power on, /],
  ['--links foreign', [], /^BMC_PROTOCOL_VIOLATION: .*another place/],
  ['--systems 4 --unordered', ['power off'], /^power off, /],
  ['--second without-reset', ['power off'], /^power off, /],
  ['--second away', ['power off'], /^power off, /],
  ['--sessions 0 --no-basic', [], /^BMC_NO_SESSION: .*SessionLimitExceeded/],
  ['--sessions 0 --sessions-as-idrac --no-basic', [], /^BMC_NO_SESSION: .*RAC0218/],
  ['--session-no-location --no-basic', ['power off'], /^power off, /],
  [`--session-expires ${FOR_EVER} --no-basic`, ['power off'], /^power off, /],
  ['--session-uses 1 --no-basic', ['power off'], /^power off, /],
  ['--lock-after 1', [], /^BMC_LOGIN_REFUSED: /, { redfish_password: 'wrong' }],
];
const ORDERED: readonly Trap[] = [
  [`--refuse-on-after-off ${FOR_EVER}`, ['power off', 'power on'], /^BMC_BUSY: .*ActionParameterValueConflict/],
  ['--order already-there-400', ['power on'], /^done$/],
  ['--order nmi-not-implemented', ['inject nmi'], /^TARGET_NOT_SUPPORTED: .*501/],
  ['--order nmi-not-implemented', ['rebooting'], /^done$/],
  ['--order masked --errors object', ['power off'], /^BMC_REFUSED: .*PropertyValueIncorrect/],
  ['--order masked --errors ilo4', ['power off'], /^BMC_REFUSED: .*PropertyValueIncorrect/],
  ['--order masked --errors args-text', ['power off'], /^BMC_REFUSED: .*PropertyValueIncorrect/],
];

for (const [flags, orders, says, more] of READ)
  test(`a reading with ${flags}, after ${orders.join(', ') || 'nothing'}`, async (t) => {
    const { read, order } = await started(t, flags.split(' '), more);
    if (orders.length > 0) await read();
    for (const target of orders) t.is(await order(target), 'done');
    t.regex(await read(), says);
  });

for (const [flags, orders, says] of ORDERED)
  test(`with ${flags}: ${orders.join(', ')}`, async (t) => {
    const { order } = await started(t, flags.split(' '));
    for (const target of orders.slice(0, -1)) t.is(await order(target), 'done');
    t.regex(await order(orders.at(-1) as OrderTarget), says);
  });

test('a locked account is refused with the right password, too', async (t) => {
  const { info } = await started(t, ['--lock-after', '1']);
  const outcomes: string[] = [];
  for (const redfish_password of ['wrong', 'secret']) {
    const driver = newRedfishDriver(new PatientClock());
    const reading = driver.getPowerState(driver.parse({ ...info, redfish_password }), never());
    outcomes.push(
      await reading.then(
        () => 'done',
        (error: CountermandError) => error.code,
      ),
    );
    driver.close();
  }
  t.deepEqual(outcomes, ['BMC_LOGIN_REFUSED', 'BMC_LOGIN_REFUSED']);
});

test('a weak key and an old TLS: refused without the keys of driver_info, and spoken with them', async (t) => {
  const folder = await newFolder(t);
  const files = ['-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '365', '-subj', `/CN=${address}`];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:1024', ...files], { cwd: folder });
  const tls = ['--tls-key', join(folder, 'key.pem'), '--tls-cert', join(folder, 'cert.pem'), '--tls-version', '1.0'];
  const { info, driver, read, order } = await started(t, tls);
  t.is(info.redfish_tls_minimum_version, '1.0');
  t.is(await order('power off'), 'done');
  t.regex(await read(), /^power off/);
  const { redfish_tls_minimum_version: _, redfish_tls_ciphers: __, ...usual } = info;
  const error = await t.throwsAsync(driver.getPowerState(driver.parse(usual), never()), {
    instanceOf: CountermandError,
  });
  t.regex(error.message, /older TLS only .*redfish_tls_minimum_version/);
});

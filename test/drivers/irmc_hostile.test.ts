/** Whatever an iRMC does: a clear error in time, nothing believed, nothing sent twice, no secret told, nothing left behind. */
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import { type DriverInfo, PROVES_NOT_SENT, PROVES_REFUSED } from '../../src/drivers/driver.ts';
import type { IrmcFaults, WebFault } from '../../src/sim/irmc/faults.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';

const driver = newIrmcDriver();
test.after.always(() => driver.close());

const PASSWORD = 'pw-tops3cret';
const TIMEOUT_MS = 1000;
/** SNMP, IPMI and Redfish, one after the other. */
const BOUND_MS = 16_000;

/** An iRMC that goes wrong, its driver_info, and a time in which it must be known. */
function irmc(t: ExecutionContext, faults: Partial<IrmcFaults>): Promise<TestedIrmc> {
  const login = { username: 'admin', password: PASSWORD, methods: ['basic'] as const };
  return newSimIrmc(t, { faults, login, host: { softMs: Number.POSITIVE_INFINITY } });
}

function parsed({ info }: TestedIrmc, changed: Record<string, string> = {}) {
  return driver.parse({ ...info, irmc_client_timeout: String(TIMEOUT_MS / 1000), ...changed });
}

/** The error of a call: in time, of ours, without a secret, and nobody listens any more. */
async function errorOf(
  t: ExecutionContext,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<CountermandError> {
  const signal = never();
  const startedAt = systemClock.monotonic();
  const error = await t.throwsAsync(call(signal), { instanceOf: CountermandError });
  t.true(systemClock.monotonic() - startedAt < BOUND_MS, error.message);
  t.is(getEventListeners(signal, 'abort').length, 0);
  const told = inspect(error, { depth: 20, showHidden: true });
  for (const secret of [PASSWORD, Buffer.from(`admin:${PASSWORD}`).toString('base64')])
    t.false(told.includes(secret), told);
  return error;
}

/** What an order comes to with each fault: carried out or not, and what is known of it. */
const ORDERS: readonly (readonly [WebFault, ErrorCode, RegExp])[] = [
  ['stalls', 'NO_ANSWER', /did not answer the command; the command may have been carried out/],
  ['unavailable', 'BMC_BUSY', /come back later \(HTTP 503\)/],
  ['redirects', 'BMC_PROTOCOL_VIOLATION', /has no \/config \(HTTP 302\); check irmc_address, irmc_port/],
  ['resets', 'NO_ANSWER', /cut the connection off instead of an answer .*may have been carried out/],
  ['truncated', 'NO_ANSWER', /cut the connection off instead of an answer .*may have been carried out/],
  ['endless', 'NO_ANSWER', /may have been carried out/],
  ['huge', 'BMC_GARBLED', /more than 65536 bytes.*may have been carried out/],
  ['malformed', 'BMC_GARBLED', /is not well-formed XML .*may have been carried out/],
  ['a page', 'BMC_GARBLED', /holds no status|document type/],
  ['entities', 'BMC_GARBLED', /declares a document type, which no status does; .*may have been carried out/],
  ['nested', 'BMC_GARBLED', /more than 65536 bytes/],
  ['no value', 'BMC_GARBLED', /has a status without a value; .*may have been carried out/],
];

for (const [scci, code, says] of ORDERS) {
  test(`an order, and SCCI ${scci}: ${code}`, async (t) => {
    const tested = await irmc(t, { scci });
    const error = await errorOf(t, (signal) => driver.setPowerState(parsed(tested), 'soft power off', signal));
    t.is(error.code, code, error.message);
    t.regex(error.message, says);
    const known = PROVES_NOT_SENT.includes(code) || PROVES_REFUSED.includes(code);
    const received = tested.irmc.received.map(({ command }) => command);
    t.true(received.length <= 1, 'it is never sent twice');
    if (known) t.deepEqual(received, [], 'what is said not to be sent was not carried out');
    // A recall fails as clearly.
    const recall = await errorOf(t, (signal) => driver.abortPowerState(parsed(tested), 'soft power off', signal));
    t.is(recall.code, code);
  });
}

/** What a reading comes to when only Redfish can tell. */
const READINGS: readonly (readonly [WebFault, ErrorCode])[] = [
  ['stalls', 'BMC_SILENT'],
  ['unavailable', 'BMC_BUSY'],
  ['redirects', 'BMC_PROTOCOL_VIOLATION'],
  ['resets', 'BMC_GARBLED'],
  ['truncated', 'BMC_GARBLED'],
  ['endless', 'BMC_SILENT'],
  ['huge', 'BMC_GARBLED'],
  ['malformed', 'BMC_GARBLED'],
  ['a page', 'BMC_GARBLED'],
  ['entities', 'BMC_GARBLED'],
  ['nested', 'BMC_GARBLED'],
  ['no value', 'BMC_GARBLED'],
];

for (const [redfish, code] of READINGS) {
  test(`a reading, and Redfish ${redfish}: ${code}`, async (t) => {
    const tested = await irmc(t, { redfish, snmp: 'unknown boot status' });
    await tested.listening.switchIpmi(false);
    const error = await errorOf(t, (signal) => driver.getPowerState(parsed(tested), signal));
    t.is(error.code, code, error.message);
  });
}

test('a boot status that is unknown, of another type or not there is not off: IPMI is asked', async (t) => {
  for (const snmp of ['unknown boot status', 'wrong type', 'no such object', 'silent'] as const) {
    const tested = await irmc(t, { snmp });
    const bmc = parsed(tested);
    t.deepEqual(await driver.getPowerState(bmc, never()), { powerState: 'power on', host: 'running' }, snmp);
    tested.irmc.host.setPower('power off');
    t.deepEqual(await driver.getPowerState(bmc, never()), { powerState: 'power off' }, snmp);
  }
});

test('an iRMC on which nobody answers over SNMP is asked there again only after a while', async (t) => {
  const tested = await irmc(t, { snmp: 'silent' });
  const bmc = parsed(tested);
  await driver.getPowerState(bmc, never());
  const startedAt = systemClock.monotonic();
  for (let look = 0; look < 10; look += 1) await driver.getPowerState(bmc, never());
  t.true(systemClock.monotonic() - startedAt < 1500, 'SNMP was asked again each time');
});

test('a wrong community, SNMP user or password, in each version', async (t) => {
  const tested = await irmc(t, { redfish: 'unavailable' });
  await tested.listening.switchIpmi(false);
  const v3 = {
    irmc_snmp_version: 'v3',
    irmc_snmp_user: 'reader',
    irmc_snmp_auth_password: 'authentic',
    irmc_snmp_priv_password: 'encrypted',
  };
  t.like(await driver.getPowerState(parsed(tested, v3), never()), { powerState: 'power on', host: 'running' });
  const wrongs: DriverInfo[] = [
    { irmc_snmp_community: 'secret-community' },
    { ...v3, irmc_snmp_user: 'nobody' },
    { ...v3, irmc_snmp_auth_password: 'not-authentic' },
    { ...v3, irmc_snmp_priv_password: 'not-encrypted' },
  ];
  for (const wrong of wrongs) {
    const error = await errorOf(t, (signal) => driver.getPowerState(parsed(tested, wrong), signal));
    t.regex(error.message, /over SNMP: SNMP at .* (is silent|refuses the login|gave an answer that is none)/);
    t.false(/secret-community|authentic|encrypted/.test(error.message), error.message);
  }
});

test('one iRMC that goes wrong does not hold up another', async (t) => {
  const [bad, good] = [
    await irmc(t, { scci: 'stalls', snmp: 'silent', ipmi: 'silent', redfish: 'endless' }),
    await irmc(t, {}),
  ];
  const reading = errorOf(t, (signal) => driver.getPowerState(parsed(bad, { irmc_client_timeout: '2' }), signal));
  for (let look = 0; look < 20; look += 1)
    t.like(await driver.getPowerState(parsed(good), never()), { powerState: 'power on' });
  await driver.setPowerState(parsed(good), 'power off', never());
  t.is((await reading).code, 'BMC_SILENT');
});

test('error 5 on a tight sequence is no refusal, and nothing was done', async (t) => {
  const tested = await irmc(t, { busyMs: 5000 });
  await driver.setPowerState(parsed(tested), 'rebooting', never());
  const error = await errorOf(t, (signal) => driver.setPowerState(parsed(tested), 'inject nmi', signal));
  t.is(error.code, 'BMC_BUSY');
  t.regex(error.message, /did not take RaiseNMI \(error 5: Input\/output error\); try again later/);
  t.deepEqual(tested.irmc.received.at(-1), { command: 'RaiseNMI', value: 5 });
});

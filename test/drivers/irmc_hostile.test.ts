/** Whatever an iRMC does: a clear error in time, nothing believed, nothing sent twice, no secret told, nothing left behind. */
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import type { Reading } from '../../src/core/power.ts';
import { type Bmc, type Driver, type DriverInfo, PROVES_NOT_SENT, PROVES_REFUSED } from '../../src/drivers/driver.ts';
import type { IrmcInfo } from '../../src/drivers/irmc/info.ts';
import { HEALTHY_IRMC, type IrmcFaults, type WebFault } from '../../src/sim/irmc/faults.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';

const PASSWORD = 'pw-tops3cret';
/** More time of its own than the driver may take: SNMP, IPMI and Redfish, one after the other. */
const BOUND_MS = 16_000;
/** How long a way without an answer is not tried again. */
const SHUNNED_MS = 5 * 60_000;

/** An iRMC, and a driver whose timeouts pass when the test lets them. */
interface Tested extends TestedIrmc {
  readonly driver: Driver<IrmcInfo>;
  readonly clock: PatientClock;
}

type Speaker = Pick<Tested, 'driver' | 'clock'>;

function newSpeaker(t: ExecutionContext): Speaker {
  const clock = new PatientClock();
  const driver = newIrmcDriver(clock);
  t.teardown(() => driver.close());
  return { driver, clock };
}

/** An iRMC that goes wrong, with a driver of its own if it is given none. */
async function irmc(t: ExecutionContext, faults: Partial<IrmcFaults>, speaker = newSpeaker(t)): Promise<Tested> {
  const login = { username: 'admin', password: PASSWORD, methods: ['basic'] as const };
  const { driver, clock } = speaker;
  return { ...(await newSimIrmc(t, { faults, login, host: { softMs: Number.POSITIVE_INFINITY } })), driver, clock };
}

function parsed({ driver, info }: Tested, changed: Record<string, string> = {}) {
  return driver.parse({ ...info, irmc_client_timeout: '1', ...changed });
}

/** A reading, whose timeouts pass. */
function reading(tested: Tested, bmc: Bmc<IrmcInfo>): Promise<Reading> {
  return tested.clock.letPass(tested.driver.getPowerState(bmc, never()), BOUND_MS);
}

/** The error of a call: in time, of ours, without a secret, and no listener is left. */
async function errorOf(
  t: ExecutionContext,
  { clock }: Tested,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<CountermandError> {
  const signal = never();
  const error = await t.throwsAsync(clock.letPass(call(signal), BOUND_MS), { instanceOf: CountermandError });
  t.is(getEventListeners(signal, 'abort').length, 0);
  const told = inspect(error, { depth: 20, showHidden: true });
  for (const secret of [PASSWORD, Buffer.from(`admin:${PASSWORD}`).toString('base64')])
    t.false(told.includes(secret), told);
  return error;
}

/** The outcome of an order with each fault: carried out or not, and what is known of it. */
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
    const error = await errorOf(t, tested, (signal) =>
      tested.driver.setPowerState(parsed(tested), 'soft power off', signal),
    );
    t.is(error.code, code, error.message);
    t.regex(error.message, says);
    const known = PROVES_NOT_SENT.includes(code) || PROVES_REFUSED.includes(code);
    const received = tested.irmc.received.map(({ command }) => command);
    t.true(received.length <= 1, 'it is never sent twice');
    if (known) t.deepEqual(received, [], 'what is said not to be sent was not carried out');
    // A recall fails as clearly.
    const recall = await errorOf(t, tested, (signal) =>
      tested.driver.abortPowerState(parsed(tested), 'soft power off', signal),
    );
    t.is(recall.code, code);
  });
}

/** The result of a reading when only Redfish can tell. */
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
    const error = await errorOf(t, tested, (signal) => tested.driver.getPowerState(parsed(tested), signal));
    t.is(error.code, code, error.message);
  });
}

test('a boot status that is unknown, of another type or not there is not off: IPMI is asked', async (t) => {
  for (const snmp of ['unknown boot status', 'wrong type', 'no such object', 'silent'] as const) {
    const tested = await irmc(t, { snmp });
    const bmc = parsed(tested);
    t.like(await reading(tested, bmc), { powerState: 'power on', host: 'running' }, snmp);
    tested.irmc.host.setPower('power off');
    t.like(await reading(tested, bmc), { powerState: 'power off' }, snmp);
  }
});

test('an iRMC that does not answer over SNMP is asked there again only after a while', async (t) => {
  const tested = await irmc(t, { snmp: 'silent' });
  const bmc = parsed(tested);
  await reading(tested, bmc);
  // No timeout passes from now on: a question over SNMP would never end.
  for (let look = 0; look < 10; look += 1)
    t.like(await tested.clock.letPass(tested.driver.getPowerState(bmc, never()), 0), { powerState: 'power on' });
  // Only SNMP sees that the host is on its way down.
  tested.irmc.faults = HEALTHY_IRMC;
  tested.irmc.host.stopSoftly(false);
  t.is((await reading(tested, bmc)).host, undefined);
  tested.clock.pass(SHUNNED_MS);
  t.like(await reading(tested, bmc), { powerState: 'power on', host: 'stopping' });
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
  t.like(await reading(tested, parsed(tested, v3)), { powerState: 'power on', host: 'running' });
  const wrongs: DriverInfo[] = [
    { irmc_snmp_community: 'secret-community' },
    { ...v3, irmc_snmp_user: 'nobody' },
    { ...v3, irmc_snmp_auth_password: 'not-authentic' },
    { ...v3, irmc_snmp_priv_password: 'not-encrypted' },
  ];
  for (const wrong of wrongs) {
    const error = await errorOf(t, tested, (signal) => tested.driver.getPowerState(parsed(tested, wrong), signal));
    t.regex(error.message, /over SNMP: SNMP at .* (is silent|refuses the login|gave an answer that is none)/);
    t.false(/secret-community|authentic|encrypted/.test(error.message), error.message);
  }
});

test('one iRMC that goes wrong does not hold up another', async (t) => {
  const bad = await irmc(t, { scci: 'stalls', snmp: 'silent', ipmi: 'silent', redfish: 'endless' });
  const good = await irmc(t, {}, bad);
  const readingBad = bad.driver.getPowerState(parsed(bad), never());
  let isOver = false;
  const over = readingBad
    .catch(() => {})
    .then(() => {
      isOver = true;
    });
  // No timeout passes meanwhile, so the bad one is waited for all the time.
  for (let look = 0; look < 20; look += 1)
    t.like(await good.driver.getPowerState(parsed(good), never()), { powerState: 'power on' });
  await good.driver.setPowerState(parsed(good), 'power off', never());
  t.false(isOver);
  const error = await t.throwsAsync(bad.clock.letPass(readingBad, BOUND_MS), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_SILENT');
  await over;
});

test('error 5 on a tight sequence is no refusal, and nothing was done', async (t) => {
  const tested = await irmc(t, { busyMs: 5000 });
  await tested.driver.setPowerState(parsed(tested), 'rebooting', never());
  const error = await errorOf(t, tested, (signal) => tested.driver.setPowerState(parsed(tested), 'inject nmi', signal));
  t.is(error.code, 'BMC_BUSY');
  t.regex(error.message, /did not take RaiseNMI \(error 5: Input\/output error\); try again later/);
  t.deepEqual(tested.irmc.received.at(-1), { command: 'RaiseNMI', value: 5 });
});

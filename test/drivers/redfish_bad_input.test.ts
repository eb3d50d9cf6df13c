/** Whatever a BMC answers: a clear error in time, nothing believed, nothing sent twice, no secret told or sent elsewhere. */
import { inspect } from 'node:util';
import test from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import type { WebFault } from '../../src/sim/irmc/faults.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRawHttp } from '../counterparts/raw_http.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { REDFISH_PASSWORD } from '../counterparts/sim_redfish.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

/** More time of its own than a reading may take. */
const BOUND_MS = 30_000;

const PAGES: readonly (readonly [WebFault, ErrorCode, ErrorCode])[] = [
  ['stalls', 'BMC_SILENT', 'BMC_SILENT'],
  ['unavailable', 'BMC_BUSY', 'BMC_BUSY'],
  ['redirects', 'BMC_PROTOCOL_VIOLATION', 'BMC_PROTOCOL_VIOLATION'],
  ['resets', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['truncated', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['endless', 'BMC_SILENT', 'BMC_SILENT'],
  ['huge', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['malformed', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['a page', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['nested', 'BMC_GARBLED', 'BMC_PROTOCOL_VIOLATION'],
  ['no value', 'BMC_GARBLED', 'TARGET_NOT_SUPPORTED'],
];

for (const [pages, reading, ordering] of PAGES)
  test(`pages: ${pages}`, async (t) => {
    const { redfish, driver, clock, info } = await newSpokenRedfish(t, { faults: { pages } });
    const bmc = driver.parse({ ...info, redfish_system_id: '1' });
    const calls: readonly (readonly [() => Promise<unknown>, ErrorCode])[] = [
      [() => driver.getPowerState(bmc, never()), reading],
      [() => driver.setPowerState(bmc, 'rebooting', never()), ordering],
    ];
    for (const [call, code] of calls) {
      const error = await t.throwsAsync(clock.letPass(call(), BOUND_MS), { instanceOf: CountermandError });
      t.is(error.code, code, error.message);
      const told = inspect(error, { depth: 20, showHidden: true });
      for (const secret of [REDFISH_PASSWORD, Buffer.from(`admin:${REDFISH_PASSWORD}`).toString('base64')])
        t.false(told.includes(secret), told);
    }
    t.deepEqual(redfish.received, []);
    // The next reading finds it well again: nothing bad is remembered.
    redfish.faults = { ...redfish.faults, pages: 'none' };
    t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
  });

test('the password goes to no other origin: links, targets and redirects', async (t) => {
  const elsewhere = await newRawHttp(t, () => 'HTTP/1.1 204 No Content\r\n\r\n');
  const { redfish, driver, info, set } = await newSpokenRedfish(t);
  const bmc = driver.parse(info);
  const own = String(info.redfish_address);
  set({ linksTo: own });
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power on', 'whole URLs of its own are followed');
  await driver.setPowerState(bmc, 'rebooting', never());
  for (const foreign of [
    `http://${ownAddress()}:${elsewhere.port}`,
    `//${ownAddress()}:${elsewhere.port}`,
    'file://',
  ]) {
    set({ linksTo: foreign });
    const named = driver.parse({ ...info, redfish_system_id: '1' });
    for (const call of [
      () => driver.getPowerState(driver.parse({ ...info, redfish_system_id: 'nowhere' }), never()),
      () => driver.setPowerState(named, 'rebooting', never()),
    ]) {
      const error = await t.throwsAsync(call(), { instanceOf: CountermandError });
      t.is(error.code, 'BMC_PROTOCOL_VIOLATION');
      t.regex(error.message, /another place|an address that is none/);
    }
  }
  t.is(redfish.received.length, 1);
  t.deepEqual(elsewhere.requests, []);
});

test('a session POST that is repeated in an error is not shown', async (t) => {
  const { driver, info } = await newSpokenRedfish(t, { faults: { echoesLogin: true } });
  const wrong = { ...info, redfish_auth_type: 'session', redfish_password: 'wr0ng-but-secret' };
  const error = await t.throwsAsync(driver.getPowerState(driver.parse(wrong), never()), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'BMC_LOGIN_REFUSED');
  t.notRegex(inspect(error, { depth: 20, showHidden: true }), /wr0ng|UserName/);
});

const SYSTEM = JSON.stringify({ PowerState: 'On' });
const LENGTH = `Content-Length: ${SYSTEM.length}`;

for (const [name, bytes, code] of [
  ['HTTP/1.0 without a length', `HTTP/1.0 200 OK\r\n\r\n${SYSTEM}`, null],
  ['a byte order mark', `HTTP/1.0 200 OK\r\n\r\n\uFEFF${SYSTEM}`, null],
  ['no reason phrase', `HTTP/1.1 200\r\n${LENGTH}\r\n\r\n${SYSTEM}`, null],
  ['a length that is too short', `HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${SYSTEM}`, 'BMC_GARBLED'],
  ['a length that is too long', `HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n${SYSTEM}`, 'BMC_GARBLED'],
  ['two lengths', `HTTP/1.1 200 OK\r\n${LENGTH}\r\nContent-Length: 9\r\n\r\n${SYSTEM}`, 'BMC_GARBLED'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'BMC_GARBLED'],
  ['nothing', '', 'BMC_GARBLED'],
  ['a list', 'HTTP/1.0 200 OK\r\n\r\n[1,2]', 'BMC_GARBLED'],
  ['a number', 'HTTP/1.0 200 OK\r\n\r\n7', 'BMC_GARBLED'],
  ['deep JSON', `HTTP/1.0 200 OK\r\n\r\n${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'BMC_GARBLED'],
] as const)
  test(`an answer with ${name}`, async (t) => {
    const raw = await newRawHttp(t, () => bytes);
    const clock = new PatientClock();
    const driver = newRedfishDriver(clock);
    const address = `http://${ownAddress()}:${raw.port}`;
    const info = { redfish_address: address, redfish_username: 'admin', redfish_password: REDFISH_PASSWORD };
    const outcome = clock.letPass(driver.getPowerState(driver.parse({ ...info, redfish_system_id: '1' }), never()), 0);
    if (code === null) t.is((await outcome).powerState, 'power on');
    else t.is((await t.throwsAsync(outcome, { instanceOf: CountermandError })).code, code);
    t.deepEqual(raw.requests, ['GET /redfish/v1/Systems/1 HTTP/1.1']);
  });

test('what is asked: no compression, one request for each connection, the version of OData', async (t) => {
  const raw = await newRawHttp(t, () => `HTTP/1.0 200 OK\r\n\r\n${SYSTEM}`);
  const driver = newRedfishDriver(new PatientClock());
  const address = `http://${ownAddress()}:${raw.port}`;
  const info = { redfish_address: address, redfish_username: 'admin', redfish_password: REDFISH_PASSWORD };
  await driver.getPowerState(driver.parse({ ...info, redfish_system_id: '1' }), never());
  t.regex(raw.heard(), /^odata-version: 4\.0\r$/im);
  t.notRegex(raw.heard(), /accept-encoding/i);
});

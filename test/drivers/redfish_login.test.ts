/** Logins: Basic, sessions on demand, and that none is left or repeated. */
import test from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import { PROVES_NOT_SENT } from '../../src/drivers/driver.ts';
import { LOGIN_BACK_OFF_MS } from '../../src/drivers/logins.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRawHttp } from '../counterparts/raw_http.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

test('Basic opens no session', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t);
  await driver.getPowerState(driver.parse(info), never());
  t.is(redfish.sessionCounts.opened, 0);
});

for (const [name, type, faults] of [
  ['on demand', 'session', {}],
  ['where Basic is not offered', 'auto', { basic: false }],
  ['without Location', 'session', { sessionWithoutLocation: true }],
] as const)
  test(`a session ${name}: one for all calls at once and after, deleted at close`, async (t) => {
    const { redfish, driver, info } = await newSpokenRedfish(t, { faults });
    const bmc = driver.parse({ ...info, redfish_auth_type: type });
    await Promise.all([1, 2, 3].map(() => driver.getPowerState(bmc, never())));
    await driver.setPowerState(bmc, 'rebooting', never());
    t.is(redfish.openSessions, 1);
    t.is(redfish.sessionCounts.opened, 1);
    t.is(redfish.refusedLogins, 0);
    driver.close();
    await eventually('the session to be deleted', () => redfish.sessionCounts.deleted === 1);
    t.is(redfish.openSessions, 0);
  });

test('a session that has ended is opened again, once', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t);
  const bmc = driver.parse({ ...info, redfish_auth_type: 'session' });
  await driver.getPowerState(bmc, never());
  redfish.dropSessions();
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
  t.is(redfish.sessionCounts.opened, 2);
});

test('a session that the BMC lets expire is opened again, and a session for one request serves for each', async (t) => {
  const clock = new PatientClock();
  for (const [faults, opened] of [
    [{ sessionMs: 30_000 }, 2],
    [{ sessionUses: 1 }, 3],
  ] as const) {
    const { redfish, driver, info } = await newSpokenRedfish(t, { clock, faults });
    const bmc = driver.parse({ ...info, redfish_auth_type: 'session', redfish_system_id: '1' });
    await driver.getPowerState(bmc, never());
    await driver.getPowerState(bmc, never());
    clock.pass(30_000);
    await driver.getPowerState(bmc, never());
    t.is(redfish.sessionCounts.opened, opened);
    t.is(redfish.refusedLogins, 0);
  }
});

test('one that gives up does not take the login from another', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t);
  const bmc = driver.parse({ ...info, redfish_auth_type: 'session' });
  const controller = new AbortController();
  const reason = new CountermandError('ABORT_REQUESTED', 'enough');
  const [first, second] = [driver.getPowerState(bmc, controller.signal), driver.getPowerState(bmc, never())];
  controller.abort(reason);
  t.is(await t.throwsAsync(first), reason);
  t.is((await second).powerState, 'power on');
  t.is(redfish.sessionCounts.opened, 1);
});

test('a wrong password is tried once, in each way, and not in another', async (t) => {
  for (const type of ['auto', 'basic', 'session']) {
    const { redfish, driver, info } = await newSpokenRedfish(t);
    const bmc = driver.parse({ ...info, redfish_auth_type: type, redfish_password: 'wrong' });
    const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
    t.is(error.code, 'BMC_LOGIN_REFUSED');
    t.is(redfish.refusedLogins, 1, type);
  }
});

test('no session left is an error of its own, and is not remembered', async (t) => {
  const { driver, info, set } = await newSpokenRedfish(t, { faults: { maxSessions: 0 } });
  const bmc = driver.parse({ ...info, redfish_auth_type: 'session' });
  const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_NO_SESSION');
  t.regex(error.message, /no session left .*SessionLimitExceeded.*redfish_auth_type to basic/);
  set({ maxSessions: 1 });
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
});

test('where Basic is switched off and basic is asked for, the error names the key', async (t) => {
  const { driver, info } = await newSpokenRedfish(t, { faults: { basic: false } });
  const bmc = driver.parse({ ...info, redfish_auth_type: 'basic' });
  const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_LOGIN_REFUSED');
  t.regex(error.message, /set redfish_auth_type to session/);
});

test('a refused login is not tried again, by no call, until the back-off has passed or an operator asks', async (t) => {
  const { redfish, driver, info, clock } = await newSpokenRedfish(t);
  const bmc = driver.parse({ ...info, redfish_password: 'wrong' });
  const calls = [
    () => driver.getPowerState(bmc, never()),
    () => driver.setPowerState(bmc, 'power off', never()),
    () => driver.getSupportedPowerStates(bmc, never()),
  ];
  for (const call of calls) {
    const error = await t.throwsAsync<CountermandError>(call(), { instanceOf: CountermandError });
    t.is(error?.code, 'BMC_LOGIN_REFUSED');
  }
  t.is(redfish.refusedLogins, 1);
  await driver.allowLogin(bmc, never());
  await t.throwsAsync(driver.getPowerState(bmc, never()));
  t.is(redfish.refusedLogins, 2);
  // The second wait is twice as long as the first: a page that needs no login does not count as one that was accepted.
  clock.pass(LOGIN_BACK_OFF_MS.first);
  await t.throwsAsync(driver.getPowerState(bmc, never()));
  t.is(redfish.refusedLogins, 2);
  clock.pass(LOGIN_BACK_OFF_MS.first);
  await t.throwsAsync(driver.getPowerState(bmc, never()));
  t.is(redfish.refusedLogins, 3);
  // Another password is tried at once.
  t.is((await driver.getPowerState(driver.parse(info), never())).powerState, 'power on');
});

test('a session POST that is redirected is sent there once', async (t) => {
  const session = 'HTTP/1.1 201 Created\r\nX-Auth-Token: t0ken\r\nLocation: /s/1\r\nContent-Length: 2\r\n\r\n{}';
  const answers: Readonly<Record<string, string>> = {
    'GET /redfish/v1/ HTTP/1.1': 'HTTP/1.0 200 OK\r\n\r\n{"RedfishVersion":"1.0.0"}',
    'POST /redfish/v1/SessionService/Sessions HTTP/1.1':
      'HTTP/1.1 307 Temporary Redirect\r\nLocation: /redfish/v1/SessionService/Sessions/\r\nContent-Length: 0\r\n\r\n',
    'POST /redfish/v1/SessionService/Sessions/ HTTP/1.1': session,
    'GET /redfish/v1/Systems/1 HTTP/1.1': 'HTTP/1.0 200 OK\r\n\r\n{"PowerState":"On"}',
  };
  const raw = await newRawHttp(t, (line) => answers[line] ?? null);
  const driver = newRedfishDriver(new PatientClock());
  const info = { redfish_address: `http://${ownAddress()}:${raw.port}`, redfish_username: 'u', redfish_password: 'p' };
  const bmc = driver.parse({ ...info, redfish_system_id: '1', redfish_auth_type: 'session' });
  t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
  t.deepEqual(raw.requests, Object.keys(answers));
});

/** What a BMC answers to the POST of a session, after `HTTP/1.1 `, and the code of the order that needs it. */
const NO_SESSION: Readonly<Record<string, ErrorCode>> = {
  '201 Created': 'BMC_PROTOCOL_VIOLATION',
  '307 Elsewhere\r\nLocation: http://192.0.2.7/': 'BMC_PROTOCOL_VIOLATION',
  '401 Unauthorized': 'BMC_LOGIN_REFUSED',
  '403 Forbidden': 'BMC_LOGIN_REFUSED',
  '429 Too Many Requests': 'BMC_BUSY',
  '500 Broken': 'BMC_PROTOCOL_VIOLATION',
  '503 Not Now': 'BMC_BUSY',
  nonsense: 'BMC_PROTOCOL_VIOLATION',
};

test('an order for which no session is opened is told as not sent', async (t) => {
  for (const [answer, code] of Object.entries(NO_SESSION)) {
    const raw = await newRawHttp(t, (line) =>
      line.startsWith('POST') ? `HTTP/1.1 ${answer}\r\nContent-Length: 2\r\n\r\n{}` : 'HTTP/1.0 200 OK\r\n\r\n{}',
    );
    const driver = newRedfishDriver(new PatientClock());
    const info = {
      redfish_address: `http://${ownAddress()}:${raw.port}`,
      redfish_username: 'u',
      redfish_password: 'p',
    };
    const bmc = driver.parse({ ...info, redfish_system_id: '1', redfish_auth_type: 'session' });
    const error = await t.throwsAsync(driver.setPowerState(bmc, 'rebooting', never()), {
      instanceOf: CountermandError,
    });
    t.is(error.code, code, answer);
    t.true(PROVES_NOT_SENT.includes(error.code));
  }
});

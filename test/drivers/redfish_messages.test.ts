/** What a BMC says when it refuses, in every spelling, and what it proves. */
import test from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import { codeOf, readSaid } from '../../src/drivers/redfish/messages.ts';
import { judge } from '../../src/drivers/redfish/verdict.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRawHttp } from '../counterparts/raw_http.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';

const error = (id: string, more: Record<string, unknown> = {}) => ({
  error: {
    code: 'Base.1.12.GeneralError',
    message: 'See below.',
    '@Message.ExtendedInfo': [{ MessageId: id, ...more }],
  },
});

for (const [id, status, code] of [
  ['IDRAC.2.4.PSU501', 409, 'BMC_WRONG_STATE'],
  ['IDRAC.2.1.RAC0218', 503, 'BMC_NO_SESSION'],
  ['SYS518', 503, 'BMC_BUSY'],
  ['iLO.2.14.InvalidOperationForSystemState', 400, 'BMC_WRONG_STATE'],
  ['iLO.2.14.UnableToModifyDuringSystemPOST', 400, 'BMC_BUSY'],
  ['SMC.1.0.OemLicenseNotPassed', 403, 'TARGET_NOT_SUPPORTED'],
  ['Base.1.8.PasswordChangeRequired', 403, 'BMC_LOGIN_REFUSED'],
  ['Base.1.8.InsufficientPrivilege', 403, 'BMC_PRIVILEGE_TOO_LOW'],
  ['Base.1.8.PropertyValueNotInList', 400, 'TARGET_NOT_SUPPORTED'],
  ['Vendor.1.0.Whatever', 400, 'BMC_REFUSED'],
  ['Vendor.1.0.Whatever', 409, 'BMC_WRONG_STATE'],
  ['Vendor.1.0.Whatever', 429, 'BMC_BUSY'],
  // These leave open what was done.
  ['Base.1.8.OperationTimeout', 500, 'BMC_GARBLED'],
  ['Base.1.8.InternalError', 503, 'BMC_GARBLED'],
  ['Base.1.8.InternalError', 400, 'BMC_GARBLED'],
  ['Base.1.8.ActionNotSupported', 500, 'BMC_GARBLED'],
  ['Base.1.8.ResourceInUse', 504, 'BMC_GARBLED'],
  ['Vendor.1.0.Whatever', 408, 'BMC_GARBLED'],
  ['Vendor.1.0.Whatever', 302, 'BMC_GARBLED'],
  ['Vendor.1.0.Whatever', 200, 'BMC_GARBLED'],
] as const satisfies readonly (readonly [string, number, ErrorCode])[])
  test(`HTTP ${status} with ${id}: ${code}`, (t) => {
    const said = readSaid(error(id), []);
    const verdict = judge({ status, text: '' }, said, 'the BMC', 'On (power on)');
    t.is(verdict?.code, code);
    t.regex(verdict?.message ?? '', code === 'BMC_GARBLED' ? /may have been carried out/ : /^the BMC/);
  });

for (const [name, page] of [
  ['a list', error('Base.1.0.RAC0218')],
  ['one object, as iDRAC writes it', { error: { '@Message.ExtendedInfo': { MessageId: 'IDRAC.2.1.RAC0218' } } }],
  ['MessageID', { error: { '@Message.ExtendedInfo': [{ MessageID: 'RAC0218' }] } }],
  ['Messages, as iLO 4 writes it', { Messages: [{ MessageID: 'X.0.10.RAC0218' }], Type: 'ExtendedError.1.0.0' }],
  ['beside the error', { '@Message.ExtendedInfo': [{ MessageId: 'X.RAC0218', Severity: 'Critical' }] }],
  [
    'arguments as a text, and a message that is a number',
    error('IDRAC.2.1.RAC0218', { MessageArgs: '[]', Message: 7 }),
  ],
  ['the code alone', { error: { code: 'IDRAC.2.1.RAC0218', message: 'none' } }],
] as const)
  test(`the reason is found: ${name}`, (t) => {
    t.is(codeOf(readSaid(page, [])), 'BMC_NO_SESSION');
  });

test('what is no error body says nothing; secrets are masked before the text is cut', (t) => {
  for (const page of [undefined, null, 7, 'text', [], {}, { Id: '1' }]) t.is(readSaid(page, []), null);
  const said = readSaid(error('X', { Message: `${'a'.repeat(290)}pw-tops3cret and more` }), ['pw-tops3cret']);
  t.notRegex(said?.words ?? '', /pw-/);
  t.true((said?.words.length ?? 0) <= 300);
});

for (const [name, members, code] of [
  ['Members null', null, 'BMC_BUSY'],
  ['no members', [], 'BMC_BUSY'],
  ['members that are no links', [7, null, {}], 'BMC_BUSY'],
  [
    'too many',
    Array.from({ length: 33 }, (_, at) => ({ '@odata.id': `/redfish/v1/Systems/${at}` })),
    'DRIVER_INFO_INVALID',
  ],
] as const)
  test(`a list of Systems with ${name}`, async (t) => {
    const pages: Readonly<Record<string, unknown>> = {
      '/redfish/v1/': { RedfishVersion: '1.0.0', Systems: { '@odata.id': '/redfish/v1/Systems' } },
      '/redfish/v1/Systems': { Members: members },
    };
    const raw = await newRawHttp(
      t,
      (line) => `HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(pages[line.split(' ')[1] ?? ''])}`,
    );
    const driver = newRedfishDriver(new PatientClock());
    const address = `http://${ownAddress()}:${raw.port}`;
    const bmc = driver.parse({ redfish_address: address, redfish_username: 'u', redfish_password: 'p' });
    const thrown = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), {
      instanceOf: CountermandError,
    });
    t.is(thrown.code, code, thrown.message);
    t.is(raw.requests.length, 2);
  });

test('a BMC that is slow with each of its Systems is given up after 30 s of the clock of the driver', async (t) => {
  const clock = new PatientClock();
  const members = Array.from({ length: 16 }, (_, at) => ({ '@odata.id': `/redfish/v1/Systems/${at}` }));
  const list = JSON.stringify({ RedfishVersion: '1.0.0', Members: members });
  const raw = await newRawHttp(t, (line) => {
    const isMember = /Systems\/\d/.test(line);
    if (isMember) clock.pass(9000);
    return `HTTP/1.0 200 OK\r\n\r\n${isMember ? '{"PowerState":"On"}' : list}`;
  });
  const driver = newRedfishDriver(clock);
  const address = `http://${ownAddress()}:${raw.port}`;
  const bmc = driver.parse({ redfish_address: address, redfish_username: 'u', redfish_password: 'p' });
  const thrown = await t.throwsAsync(driver.getPowerState(bmc, never()), { instanceOf: CountermandError });
  t.is(thrown.code, 'BMC_SILENT', thrown.message);
  t.regex(thrown.message, /the list of Systems of the BMC .* took longer than 30 s/);
  t.is(raw.requests.length, 2 + 4);
  t.is(clock.timers, 0);
});

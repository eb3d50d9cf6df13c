/** What an ended ipmitool means. The texts are those of ipmitool 1.8.19. */
import test from 'ava';
import fc from 'fast-check';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import { readConfirmation, readStatus } from '../../src/drivers/ipmi/ipmitool/answers.ts';
import type { Ending } from '../../src/drivers/ipmi/ipmitool/captive.ts';
import type { PowerWord } from '../../src/drivers/ipmi/ipmitool/command.ts';
import { anyText } from '../counterparts/any_text.ts';

const NOISE = 'Loading IANA PEN Registry...\nGet HPM.x Capabilities request failed, compcode = d4\n';
const NO_SESSION = 'Error: Unable to establish IPMI v2 / RMCP+ session\n';

const ended = (parts: Partial<Ending>): Ending => ({
  exitCode: 1,
  signal: null,
  stdout: '',
  stderr: '',
  tookMs: 20,
  cutShort: null,
  ...parts,
});
const says = (stdout: string): Ending => ended({ exitCode: 0, stdout, stderr: NOISE });
const complains = (stderr: string, tookMs = 20): Ending => ended({ stderr: `${NOISE}${stderr}`, tookMs });

test('on and off are read, with noise on stderr', (t) => {
  t.is(readStatus(says('Chassis Power is on\n'), 'bmc1'), 'power on');
  t.is(readStatus(says('Chassis Power is off\n'), 'bmc1'), 'power off');
});

test('each order has its confirmation', (t) => {
  const confirmations = { on: 'Up/On', off: 'Down/Off', reset: 'Reset', soft: 'Soft', diag: 'Diag' } as const;
  for (const [verb, word] of Object.entries(confirmations)) {
    const order = verb as keyof typeof confirmations;
    t.notThrows(() => readConfirmation(says(`Chassis Power Control: ${word}\n`), order, 'bmc1'));
    for (const other of Object.keys(confirmations).filter((candidate) => candidate !== verb))
      t.throws(() => readConfirmation(says(`Chassis Power Control: ${word}\n`), other as typeof order, 'bmc1'));
  }
});

function means(ending: Ending, code: ErrorCode, text = /./): void {
  const { stdout, stderr, ...how } = ending;
  const said = `${stdout}${stderr.replace(NOISE, '').replace(NO_SESSION, '')}`;
  test(`${code} for ${JSON.stringify(said)}, ${JSON.stringify(how)}`, (t) => {
    for (const read of [() => readStatus(ending, 'bmc1:623'), () => readConfirmation(ending, 'soft', 'bmc1:623')]) {
      const error = t.throws(read, { instanceOf: CountermandError });
      t.is(error.code, code);
      t.regex(error.message, text);
      t.regex(error.message, /bmc1:623/);
    }
  });
}

for (const stdout of [
  '',
  'Chassis Power is on',
  'Chassis Power is on\n\n',
  'chassis power is on\n',
  'x\nChassis Power is on\n',
])
  means(says(stdout), 'BMC_GARBLED');
means(ended({ exitCode: 1, stdout: 'Chassis Power is on\n' }), 'BMC_GARBLED');
means(ended({ exitCode: 0, stdout: 'Chassis Power is on\n', cutShort: 'said too much' }), 'BMC_GARBLED');
means(ended({ exitCode: null, signal: 'SIGSEGV' }), 'BMC_GARBLED', /SIGSEGV/);
means(ended({ exitCode: null, signal: 'SIGABRT' }), 'BMC_GARBLED', /SIGABRT/);
means(ended({ exitCode: null, signal: 'SIGKILL', cutShort: 'took too long' }), 'NO_ANSWER');

const session = (line: string, tookMs = 20): Ending => complains(`${line}\n${NO_SESSION}`, tookMs);
const opening = (status: string): Ending => session(`Error in open session response message : ${status}\n`);
const RAKP_1 = '> Error: no response from RAKP 1 message\n';

means(session('> RAKP 2 HMAC is invalid'), 'BMC_PASSWORD_WRONG', /ipmi_password/);
means(session('> RAKP 2 HMAC is invalid', 5200), 'BMC_PASSWORD_WRONG', /ipmi_password/);
means(session('RAKP 2 message indicates an error : unauthorized name'), 'BMC_USER_UNKNOWN', /ipmi_username/);
means(session('> RAKP 4 message has invalid integrity check value'), 'BMC_KG_WRONG', /ipmi_hex_kg_key/);
means(session('RAKP 4 message indicates an error : invalid integrity check value'), 'BMC_LOGIN_REFUSED');
means(session(RAKP_1.repeat(4), 25_000), 'BMC_USER_UNKNOWN', /ipmi_username/);
means(session(RAKP_1, 25_000), 'BMC_SILENT');
means(opening('insufficient resources for session'), 'BMC_NO_SESSION');
means(opening('insufficient resources for role'), 'BMC_NO_SESSION');
means(opening('invalid authentication algorithm'), 'BMC_CIPHER_REFUSED');
means(opening('no matching cipher suite'), 'BMC_CIPHER_REFUSED');
means(opening('invalid role'), 'BMC_PRIVILEGE_TOO_LOW');
means(opening('unauthorized role or privilege level requested'), 'BMC_PRIVILEGE_TOO_LOW');
means(opening('Unknown (0x20)'), 'BMC_REFUSED', /Unknown \(0x20\)/);
means(opening(''), 'BMC_REFUSED');
means(session('Authentication algorithm 0x01 is not what we requested 0x03\n'), 'BMC_CIPHER_REFUSED');
means(session('Unsupported cipher suite ID : 17\n'), 'BMC_CIPHER_REFUSED');
means(session('Set Session Privilege Level to ADMINISTRATOR failed: Unknown (0x81)'), 'BMC_PRIVILEGE_TOO_LOW');
means(session('Set Session Privilege Level to ADMINISTRATOR failed', 25_000), 'BMC_SILENT');
means(session('This BMC does not support IPMI v2 / RMCP+'), 'BMC_REFUSED');
means(session('Get Auth Capabilities error\nError issuing Get Channel Authenti...', 10_000), 'BMC_SILENT');
means(session('Address lookup for bmc1 failed\nCould not open socket!'), 'BMC_NO_ROUTE');
means(complains(NO_SESSION, 40), 'BMC_LOGIN_REFUSED');
means(complains(NO_SESSION, 10_040), 'BMC_SILENT');

means(complains('Set Chassis Power Control to Soft failed: Unspecified error\n'), 'BMC_REFUSED', /Unspecified/);
means(complains('Get Chassis Power Status failed: Unspecified error\n'), 'BMC_REFUSED');
means(complains('Set Chassis Power Control to Up/On failed: Insufficient privilege level\n'), 'BMC_PRIVILEGE_TOO_LOW');
means(complains('Set Chassis Power Control to Reset failed: Node busy\n'), 'BMC_BUSY');
means(complains('Set Chassis Power Control to Reset failed: Timeout\n'), 'NO_ANSWER');
means(complains('Set Chassis Power Control to Reset failed: Command response could not be provided\n'), 'NO_ANSWER');
means(complains('Set Chassis Power Control to Reset failed: Cannot execute duplicated request\n'), 'NO_ANSWER');
means(complains('Set Chassis Power Control to Reset failed: Device firmeware in update mode\n'), 'BMC_BUSY');
means(complains('Set Chassis Power Control to Reset failed: Out of space\n'), 'BMC_BUSY');
means(complains('Set Chassis Power Control to Reset failed: Response not available\n'), 'NO_ANSWER');
means(complains('Unable to set Chassis Power Control to Reset\nClose Session command failed\n'), 'NO_ANSWER');
means(complains('Unable to get Chassis Power Status\n'), 'NO_ANSWER');
means(complains(''), 'BMC_GARBLED');

test('what came from outside is short and printable in a message', (t) => {
  const ending = complains(`Set Chassis Power Control to Soft failed: \u001b[2J\u0007${'x'.repeat(10_000)}\n`);
  const error = t.throws(() => readConfirmation(ending, 'soft', 'bmc1'));
  t.regex(error.message, /^[ -~]{1,200}$/);
});

const anySaid = fc.oneof(
  anyText({ maxLength: 200 }),
  fc.constantFrom(NO_SESSION, NOISE, RAKP_1, 'Chassis Power is on\n', 'Chassis Power Control: Soft\n'),
);
const anyEnding: fc.Arbitrary<Ending> = fc.record({
  exitCode: fc.option(fc.integer({ min: 0, max: 255 })),
  signal: fc.option(fc.constantFrom('SIGSEGV', 'SIGKILL')),
  stdout: anySaid,
  stderr: fc.array(anySaid, { maxLength: 4 }).map((texts) => texts.join('')),
  tookMs: fc.nat(60_000),
  cutShort: fc.constantFrom(null, 'took too long', 'said too much'),
});
const orders: readonly Exclude<PowerWord, 'status'>[] = ['on', 'off', 'reset', 'soft', 'diag'];

test('success is claimed only for the exact words at exit 0', (t) => {
  fc.assert(
    fc.property(anyEnding, fc.constantFrom(...orders), (ending, order) => {
      const wellEnded = ending.exitCode === 0 && ending.cutShort === null;
      for (const read of [() => readStatus(ending, 'bmc1'), () => readConfirmation(ending, order, 'bmc1')]) {
        try {
          read();
          t.true(wellEnded && /^Chassis Power (is on|Control: Soft)\n$/.test(ending.stdout));
        } catch (error) {
          t.true(error instanceof CountermandError);
        }
      }
    }),
  );
});

/**
 * What an ended ipmitool means. Success is only what ipmitool says word for word; everything else is an error, and its
 * code says what is certain (PROVES_NOT_SENT and PROVES_REFUSED of driver.ts). Noise on stderr means nothing after
 * exit 0: ipmitool grumbles about abilities that a BMC does not have.
 */
import { type CountermandError, type ErrorCode, fail } from '../../../core/errors.ts';
import { guidFrom } from '../../../core/guid.ts';
import type { OnOff } from '../../../core/power.ts';
import { completionRow } from '../rmcp/completion_codes.ts';
import type { Ending } from './captive.ts';
import { ANSWER_LIMIT_S, type PowerWord } from './command.ts';

/** What ipmitool says when the BMC has accepted an order. */
const CONFIRMATIONS: Readonly<Record<Exclude<PowerWord, 'status'>, string>> = {
  on: 'Up/On',
  off: 'Down/Off',
  reset: 'Reset',
  soft: 'Soft',
  diag: 'Diag',
};

/**
 * The power state of an ended `power status`.
 * @throws what `faultOf` makes of it
 */
export function readStatus(ending: Ending, bmc: string, answerLimitS = ANSWER_LIMIT_S): OnOff {
  if (succeeded(ending)) {
    if (ending.stdout === 'Chassis Power is on\n') return 'power on';
    if (ending.stdout === 'Chassis Power is off\n') return 'power off';
  }
  throw faultOf(ending, bmc, answerLimitS);
}

/**
 * The GUID of an ended `raw` of Get System GUID; undefined if the BMC has none that proves something.
 * @throws what `faultOf` makes of it
 */
export function readGuid(ending: Ending, bmc: string, answerLimitS = ANSWER_LIMIT_S): string | undefined {
  if (succeeded(ending)) return guidFrom(ending.stdout.replace(/\s+/g, ''));
  if (RAW_REFUSED.test(ending.stderr)) return undefined;
  throw faultOf(ending, bmc, answerLimitS);
}

/** The completion codes of a BMC that does not have the command, or not for this user (IPMI 2.0 table 5-2). */
const RAW_REFUSED = /^Unable to send RAW command \(.* rsp=0x(c1|c2|d4|d6)\)/m;

/**
 * Returns if the BMC has accepted the order.
 * @throws what `faultOf` makes of it
 */
export function readConfirmation(
  ending: Ending,
  verb: Exclude<PowerWord, 'status'>,
  bmc: string,
  answerLimitS = ANSWER_LIMIT_S,
): void {
  if (succeeded(ending) && ending.stdout === `Chassis Power Control: ${CONFIRMATIONS[verb]}\n`) return;
  throw faultOf(ending, bmc, answerLimitS);
}

function succeeded(ending: Ending): boolean {
  return ending.exitCode === 0 && ending.cutShort === null;
}

/** The error of an ending that is no success, of an ipmitool that waits `answerLimitS` for each answer. */
function faultOf(ending: Ending, bmc: string, answerLimitS: number): CountermandError {
  const { stderr } = ending;
  if (ending.cutShort === 'took too long') return noAnswer(bmc, answerLimitS);
  if (ending.cutShort !== null) return garbled(bmc, 'ipmitool said far more than it should');
  if (ending.signal !== null)
    return garbled(bmc, `ipmitool was ended by ${ending.signal}, as by an answer it cannot read`);
  if (ending.exitCode !== 0) {
    if (stderr.includes('Error: Unable to establish IPMI v2 / RMCP+ session'))
      return sessionFault(ending, bmc, answerLimitS);
    const refusal = /^(?:Set Chassis Power Control to .+|Get Chassis Power Status) failed: (.*)$/m.exec(stderr);
    if (refusal) return completionFault(printable(refusal[1]), bmc);
    if (/^Unable to (?:set Chassis Power Control to|get Chassis Power Status)/m.test(stderr))
      return noAnswer(bmc, answerLimitS);
  }
  return garbled(bmc, `ipmitool ended with exit code ${ending.exitCode}, and not in the words expected`);
}

/** A row: what stderr says, the code, and the sentence. In the sentence, `$1` is the first group of the pattern. */
type Rule = readonly [RegExp, ErrorCode, string];

/** What a BMC says in one word while a session is opened (IPMI 2.0 table 13-15); first match wins. */
const REFUSALS: readonly Rule[] = [
  [/(insufficient resources.*)/, 'BMC_NO_SESSION', 'has no session left ($1); wait, or close sessions of others'],
  [/(.*(?:algorithm|cipher|payload).*)/, 'BMC_CIPHER_REFUSED', 'refuses the cipher suite ($1); see ipmi_cipher_suite'],
  [/(.*(?:role|privilege).*)/, 'BMC_PRIVILEGE_TOO_LOW', 'refuses the privilege level ($1); ask for a lower one'],
  [/(.*unauthorized name.*|.*name length.*)/, 'BMC_USER_UNKNOWN', 'does not know the user ($1); check ipmi_username'],
  [/(.*integrity check value.*)/, 'BMC_LOGIN_REFUSED', 'refuses password or K_g ($1); check both'],
  [/(.*)/, 'BMC_REFUSED', 'refuses the session ($1)'],
];

/** What else ipmitool says when there is no session; first match wins. */
const SESSION_RULES: readonly Rule[] = [
  [/^> RAKP 2 HMAC is invalid$/m, 'BMC_PASSWORD_WRONG', 'refuses the password; check ipmi_password'],
  [/^> RAKP 4 message has invalid integrity/m, 'BMC_KG_WRONG', 'has another K_g; check ipmi_hex_kg_key'],
  [
    /^Set Session Privilege Level to \w+ failed: (.*)$/m,
    'BMC_PRIVILEGE_TOO_LOW',
    'does not give the user this privilege level ($1); ask for a lower one',
  ],
  [
    /^(\w+ algorithm \S+ is not what we requested.*)$/m,
    'BMC_CIPHER_REFUSED',
    'refuses the cipher suite ($1); see ipmi_cipher_suite',
  ],
  [
    /^Unsupported cipher suite ID/m,
    'BMC_CIPHER_REFUSED',
    'was not asked: this ipmitool does not know the cipher suite',
  ],
  [/^This BMC does not support IPMI v2/m, 'BMC_REFUSED', 'has no IPMI 2.0; this driver needs it'],
  [/^Get Auth Capabilities error: (.*)$/m, 'BMC_REFUSED', 'does not say how to log in ($1)'],
  [/^Get Auth Capabilities error$/m, 'BMC_SILENT', 'stopped answering before the session was open'],
  [/^Could not open socket!$/m, 'BMC_NO_ROUTE', 'cannot be reached; check ipmi_address and the routes to it'],
  // asked twice and not answered, though the question before was: that is how some treat a name they do not know
  [
    /(no response from RAKP 1 message.*){2}/s,
    'BMC_USER_UNKNOWN',
    'does not answer to the user name; check ipmi_username',
  ],
  [
    /(no response from RAKP 3 message.*){2}/s,
    'BMC_LOGIN_REFUSED',
    'does not answer the login; check ipmi_password and ipmi_hex_kg_key',
  ],
];

/** There was no session, so nothing was sent. The BMC had answered just before (probe.ts). */
function sessionFault({ stderr, tookMs }: Ending, bmc: string, answerLimitS: number): CountermandError {
  const status = /^(?:Error in open session response message|RAKP [24] message indicates an error) : (.*)$/m.exec(
    stderr,
  );
  if (status) return byRule(REFUSALS, printable(status[1]), bmc) ?? garbled(bmc, 'it refuses the session');
  const told = byRule(SESSION_RULES, stderr, bmc);
  if (told) return told;
  const quick = tookMs < answerLimitS * 1000;
  return quick
    ? fail('BMC_LOGIN_REFUSED', `the BMC ${bmc} refuses the login; check ipmi_username, ipmi_password, ipmi_hex_kg_key`)
    : fail('BMC_SILENT', `the BMC ${bmc} stopped answering before the session was open; nothing was sent to it`);
}

function byRule(rules: readonly Rule[], text: string, bmc: string): CountermandError | null {
  for (const [pattern, code, sentence] of rules) {
    const match = pattern.exec(text);
    if (match) return fail(code, `the BMC ${bmc} ${sentence.replace('$1', () => printable(match[1]))}`);
  }
  return null;
}

/** How ipmitool words the completion codes that are more than a refusal; first match wins. */
const CODES: readonly (readonly [RegExp, code: number])[] = [
  [/^Node busy/i, 0xc0],
  [/^Timeout/i, 0xc3],
  [/^Out of space/i, 0xc4],
  [/^Cannot return number of requested data bytes/i, 0xca],
  [/^(?:Command response could not|Response not)/i, 0xce],
  [/^Cannot execute duplicated request/i, 0xcf],
  [/^SDR Repository in update mode/i, 0xd0],
  // It is spelt so.
  [/^Device firme?ware in update mode/i, 0xd1],
  [/^BMC initialization in progress/i, 0xd2],
];

/** What an answer to the command itself says. What it proves stands in `completion_codes.ts`. */
function completionFault(answer: string, bmc: string): CountermandError {
  const [, code] = CODES.find(([words]) => words.test(answer)) ?? [];
  const proves = code === undefined ? 'not done' : completionRow(code).proves;
  if (proves === 'unknown')
    return fail('NO_ANSWER', `the BMC ${bmc} cannot say what became of the command (${answer}); it may have done it`);
  if (proves === 'not now')
    return fail('BMC_BUSY', `the BMC ${bmc} did not take the command (${answer}); try again later`);
  if (/privilege/i.test(answer))
    return fail(
      'BMC_PRIVILEGE_TOO_LOW',
      `the BMC ${bmc} does not let this user do it (${answer}); see ipmi_priv_level`,
    );
  if (/^Command not supported in present state/i.test(answer))
    return fail('BMC_WRONG_STATE', `the BMC ${bmc} cannot do that in its present state (${answer})`);
  return fail('BMC_REFUSED', `the BMC ${bmc} refuses the command: ${answer}`);
}

const noAnswer = (bmc: string, answerLimitS: number) =>
  fail('NO_ANSWER', `the BMC ${bmc} did not answer the command within ${answerLimitS} s; it may have carried it out`);

const garbled = (bmc: string, what: string) => fail('BMC_GARBLED', `the BMC ${bmc} gave no clear answer: ${what}`);

/** Text from outside, made harmless: printable ASCII, and not much of it. */
function printable(text = ''): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 80);
}

/** What is known of real Redfish BMCs, and the test that shows what the driver makes of it, or why there is none. */
import { readFileSync } from 'node:fs';
import test from 'ava';

/** Files of tests, by short names. */
const FILES = {
  once: './redfish_once.test.ts',
  input: './redfish_bad_input.test.ts',
  systems: './redfish_systems.test.ts',
  reading: './redfish_reading.test.ts',
  login: './redfish_login.test.ts',
  tls: './redfish_tls.test.ts',
  messages: './redfish_messages.test.ts',
  trees: '../conformance/redfish_trees.test.ts',
} as const;

type Shown = readonly [bmc: string, quirk: string, file: keyof typeof FILES, words: string];
type NotShown = readonly [bmc: string, quirk: string, why: { readonly why: string }];

const NO_GRACEFUL_RESTART = { why: 'GracefulRestart is never sent: a soft reboot is GracefulShutdown, then On' };
const NO_EVENTS = { why: 'events are not used: the power state is polled' };
const NO_TASKS = { why: 'Tasks and jobs are not followed: the power state is' };
const NO_TIMEOUT = { why: 'sessions are opened again when they have ended; SessionTimeout is not read' };
const BY_CONDUCTOR = {
  why: 'the conductor waits for the effect until the timeout of the task, for every driver alike',
};

const QUIRKS: readonly (Shown | NotShown)[] = [
  [
    'iDRAC9',
    'On while on, ForceOff while off: 409',
    'once',
    'on while on and off while off, which iDRAC answers with 409',
  ],
  ['iDRAC10', 'On within 60 s after off: 409', 'once', "conflict: refused('BMC_BUSY')"],
  ['iDRAC10', 'If-Match on an action: 412', 'once', 'If-Match is sent only after an answer that asks for it'],
  ['iDRAC8', 'GracefulRestart is hard', NO_GRACEFUL_RESTART],
  ['Dell 14G', 'no GracefulRestart', NO_GRACEFUL_RESTART],
  ['iDRAC', '503 SYS518 on the System itself; no members after a restart', 'messages', 'SYS518'],
  ['iDRAC', '404 on a job just created', NO_TASKS],
  ['iDRAC', 'tasks purged after a minute', NO_TASKS],
  ['iDRAC9', 'eight sessions, then 503 RAC0218', 'messages', 'RAC0218'],
  ['iDRAC', 'LastResetTime 0000-00-00', { why: 'LastResetTime is not used: it has too many traps' }],
  ['iDRAC9', 'a wrong power state', { why: 'nothing else could be believed' }],
  ['iDRAC', 'server-sent events half enabled', NO_EVENTS],
  ['iDRAC', 'event times without a colon in the zone', NO_EVENTS],
  ['iLO 5 before 1.40', '308 without the last slash', 'once', "'slash-redirect': ok(2)"],
  ['iLO', '400 for "already there" and "in transition" alike', 'messages', 'InvalidOperationForSystemState'],
  ['iLO', 'orders refused in POST', 'messages', 'UnableToModifyDuringSystemPOST'],
  ['HPE Gen11', 'PowerState Reset, Unknown, null', 'reading', "'Reset', 'Unknown'"],
  ['iLO 5', 'SessionTimeout in minutes', NO_TIMEOUT],
  ['iLO 4', 'error bodies with Messages and MessageID', 'messages', 'as iLO 4 writes it'],
  [
    'iLO',
    'ForceRestart may be a warm reset',
    { why: 'the meaning of a reboot is left to the BMC; it is never replaced' },
  ],
  ['iLO', 'a misleading message to a reset', { why: 'messages are shown, and only MessageIds are judged' }],
  ['HPE Gen10+', '406 to Accept-Encoding identity', 'input', 'no compression'],
  ['XCC', 'ForceOn, no PushPowerButton', 'trees', "'lenovo-xcc-sr670': []"],
  ['XCC2', 'graceful values only press the button', BY_CONDUCTOR],
  [
    'SR675 V3',
    'hangs at ForceRestart',
    { why: 'the operator can order a power off, then a power on; nothing is replaced' },
  ],
  ['IMM2', 'port 8080, 301 without the last slash', 'once', "'slash-redirect': ok(2)"],
  ['XCC', '428 without an ETag', 'once', "'wants-match': ok(2)"],
  ['Supermicro X13', 'ActionInfo only', 'trees', "'supermicro-sys821ge': []"],
  ['Supermicro', 'BootProgress stays at an early state', 'reading', 'some stay at an early state for ever'],
  ['Supermicro', 'licences', 'messages', 'OemLicenseNotPassed'],
  ['Supermicro, old', 'the POST of a session is redirected', 'login', 'a session POST that is redirected'],
  ['AMI', 'a reset Task ends Exception though it was passed on', 'once', "'task-exception': ok()"],
  ['AMI', '503 for a GPU tray while the host is off', 'systems', 'or that cannot be read, does not disturb'],
  ['AMI', 'session timeout of 30 s; $expand broken', 'login', 'a session that has ended is opened again, once'],
  ['AMI', 'PATCH wants a strong ETag', { why: 'nothing is PATCHed' }],
  ['AMI', 'neither Nmi nor GracefulRestart', 'trees', "'ami-megarac-dgx-h100': ['inject nmi']"],
  [
    'OpenBMC x86',
    'Off before the power is off',
    'reading',
    'Off is believed when the Chassis does not say On any more',
  ],
  ['OpenBMC x86', 'a graceful shutdown that is given up after 300 s shows nothing', BY_CONDUCTOR],
  ['OpenBMC', 'PoweringOff for up to 45 min', 'reading', "['PoweringOff', 'power on', 'stopping']"],
  ['OpenBMC', 'GracefulRestart and no host', NO_GRACEFUL_RESTART],
  ['OpenBMC', 'PowerCycle is soft or hard', { why: 'PowerCycle is never sent' }],
  ['OpenBMC', 'Nmi: 200, or 500 while off', 'once', "'internal-error': unknown('BMC_GARBLED')"],
  ['OpenBMC', 'subscriptions get lost', NO_EVENTS],
  ['OpenBMC of IBM', 'no ForceRestart', 'once', 'what the BMC does not list is not sent'],
  ['NVIDIA', 'a second System without Reset', 'systems', 'HGX_Baseboard_0'],
  ['BlueField', 'ForceRestart may do nothing; Members null', 'messages', 'Members null'],
  ['GH200', 'no Nmi', 'reading', "'inject nmi'"],
  ['Cray EX', 'a soft off called Off; members in no order', 'trees', 'four nodes on one BMC of Cray'],
  ['Cray EX', 'PoweringOn may fall back', 'reading', "['PoweringOn', 'power off', 'starting']"],
  ['iBMC', 'If-Match wanted on POST', 'once', "'wants-match-412': ok(2)"],
  ['H3C', 'old ciphers only', 'tls', 'no cipher in common'],
  ['kubevirtbmc', 'On is lost during a shutdown', BY_CONDUCTOR],
  ['iRMC S4', 'the list follows the power state', 'reading', 'a list that leaves out what is void now is not believed'],
  ['several', 'ETags that are empty or quoted twice', 'once', "'refuses-match': refused('BMC_REFUSED', 2)"],
];

test('each of the 54 quirks has a test, or a reason why not', (t) => {
  t.is(QUIRKS.length, 54);
  for (const [bmc, quirk, ...rest] of QUIRKS) {
    const [file, words] = rest;
    if (typeof file === 'object') t.not(file.why, '');
    else {
      const text = readFileSync(new URL(FILES[file], import.meta.url), 'utf8');
      t.true(text.includes(words ?? ''), `${bmc}, ${quirk}: '${words}' is not in ${file}`);
    }
  }
});

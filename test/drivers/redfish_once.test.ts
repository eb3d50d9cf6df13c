/** Each target with each fault of an answer: counted at the BMC, at most one Reset that may have been carried out. */
import { getEventListeners } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { CountermandError, type ErrorCode } from '../../src/core/errors.ts';
import type { OrderTarget } from '../../src/core/power.ts';
import { onlyWhile } from '../../src/core/signals.ts';
import { PROVES_NOT_SENT, PROVES_REFUSED } from '../../src/drivers/driver.ts';
import { meaningsFor } from '../../src/drivers/redfish/targets.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { ORDER_FAULTS, type OrderFault } from '../../src/sim/redfish/faults.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRawHttp } from '../counterparts/raw_http.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { REDFISH_PASSWORD } from '../counterparts/sim_redfish.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';

/** More time of its own than the driver may take for an order. */
const BOUND_MS = 60_000;

/** The outcome of an order with a fault: null if it resolves. How many POSTs arrive, and how many of them are carried out. */
interface Expected {
  readonly code: ErrorCode | null;
  readonly posts: number;
  readonly done: number;
}
const ok = (posts = 1): Expected => ({ code: null, posts, done: 1 });
const unknown = (code: ErrorCode): Expected => ({ code, posts: 1, done: 1 });
const refused = (code: ErrorCode, posts = 1): Expected => ({ code, posts, done: 0 });

const EXPECTED: Readonly<Record<OrderFault, Expected>> = {
  none: ok(),
  message: ok(),
  task: ok(),
  'task-exception': ok(),
  late: unknown('NO_ANSWER'),
  resets: unknown('NO_ANSWER'),
  truncated: unknown('NO_ANSWER'),
  'internal-error': unknown('BMC_GARBLED'),
  'bad-gateway': unknown('BMC_GARBLED'),
  'front-unavailable': unknown('BMC_GARBLED'),
  'error-in-200': unknown('BMC_GARBLED'),
  'page-in-200': unknown('BMC_GARBLED'),
  unavailable: refused('BMC_BUSY'),
  'wants-match': ok(2),
  'wants-match-412': ok(2),
  'refuses-match': refused('BMC_REFUSED', 2),
  'login-ends': refused('BMC_LOGIN_REFUSED'),
  'slash-redirect': ok(2),
  'redirect-loop': refused('BMC_PROTOCOL_VIOLATION', 2),
  'redirect-away': refused('BMC_PROTOCOL_VIOLATION'),
  'already-there': ok(),
  'already-there-400': ok(),
  'nmi-not-implemented': ok(),
  masked: refused('BMC_REFUSED'),
  'not-supported': refused('TARGET_NOT_SUPPORTED'),
  'not-implemented': refused('TARGET_NOT_SUPPORTED'),
  conflict: refused('BMC_BUSY'),
  privilege: refused('BMC_PRIVILEGE_TOO_LOW'),
};

/** One of the faults is that of an NMI only. */
function expectedOf(fault: OrderFault, target: OrderTarget): Expected {
  if (fault === 'nmi-not-implemented' && target === 'inject nmi') return refused('TARGET_NOT_SUPPORTED');
  return EXPECTED[fault];
}

/** A soft reboot is one command only for a node that asks for it. */
const ONE_COMMAND = { redfish_graceful_restart: 'true' };
const MEANINGS = meaningsFor({ redfish_graceful_restart: true });
const TARGETS = Object.keys(MEANINGS) as OrderTarget[];

for (const target of TARGETS)
  for (const fault of Object.keys(ORDER_FAULTS) as OrderFault[])
    test(`${target}, and the answer: ${fault}`, async (t) => {
      const power = target === 'power on' ? 'power off' : 'power on';
      const { redfish, driver, clock, info } = await newSpokenRedfish(t, { power, faults: { order: fault } });
      const signal = never();
      const bmc = driver.parse({ ...info, ...ONE_COMMAND });
      const [resetType] = MEANINGS[target];
      const sent = clock.letPass(driver.setPowerState(bmc, target, signal), BOUND_MS);
      const error = await sent.then(
        (words) => t.is(words, `Reset ${resetType}`) && null,
        (thrown: unknown) => thrown,
      );
      const expected = expectedOf(fault, target);
      t.is(error instanceof CountermandError ? error.code : error, expected.code, String(error));
      t.is(redfish.received.length, expected.posts);
      t.is(redfish.done.length, expected.done);
      t.true(redfish.received.every((received) => received.resetType === resetType));
      if (expected.done === 1 && error !== null) t.regex(String(error), new RegExp(`\\b${resetType}\\b`));
      t.is(getEventListeners(signal, 'abort').length, 0);
      t.is(clock.timers, 0);
      if (!(error instanceof CountermandError)) return;
      const isKnown = PROVES_NOT_SENT.includes(error.code) || PROVES_REFUSED.includes(error.code);
      t.is(isKnown, expected.done === 0, 'what is said to be certain is certain');
      t.regex(error.message, isKnown ? /^(?!.*may have been carried out)/ : /may have been carried out/);
      t.false(error.message.includes(REDFISH_PASSWORD));
    });

test('If-Match is sent only after an answer that asks for it, and with the ETag of that moment', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t, { faults: { order: 'wants-match' } });
  await driver.setPowerState(driver.parse(info), 'rebooting', never());
  t.deepEqual(
    redfish.received.map(({ ifMatch }) => ifMatch),
    [null, 'W/"2"'],
  );
});

test('a session that ends between reading and ordering: a new one, and the order once more', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t, { faults: { order: 'login-ends' } });
  const bmc = driver.parse({ ...info, redfish_auth_type: 'session' });
  await driver.setPowerState(bmc, 'inject nmi', never());
  t.deepEqual(
    redfish.received.map(({ done }) => done),
    [false, true],
  );
  t.is(redfish.sessionCounts.opened, 2);
  t.is(redfish.refusedLogins, 0);
});

test('on while on and off while off, which iDRAC answers with 409, are done', async (t) => {
  const { redfish, driver, info, host } = await newSpokenRedfish(t, { faults: { order: 'already-there' } });
  const bmc = driver.parse(info);
  await driver.setPowerState(bmc, 'power on', never());
  host.setPower('power off');
  await driver.setPowerState(bmc, 'power off', never());
  t.deepEqual(redfish.done, []);
  t.is(redfish.received.length, 2);
  // The node that is not there is not done.
  redfish.faults = { ...redfish.faults, order: 'already-there', powerState: 'PoweringOff' };
  const error = await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_WRONG_STATE');
});

test('what the BMC does not list is not sent, and nothing else instead', async (t) => {
  for (const listing of ['inline', 'action-info'] as const) {
    const { redfish, driver, info } = await newSpokenRedfish(t, {
      faults: { listing, resetTypes: ['PowerCycle', 'ForceOn', 'PushPowerButton', 'Off'] },
    });
    const bmc = driver.parse({ ...info, ...ONE_COMMAND });
    for (const target of TARGETS) {
      const error = await t.throwsAsync(driver.setPowerState(bmc, target, never()), { instanceOf: CountermandError });
      t.is(error.code, 'TARGET_NOT_SUPPORTED');
      t.regex(error.message, new RegExp(`does not offer ${MEANINGS[target]}; it lists PowerCycle, ForceOn`));
    }
    t.deepEqual(redfish.received, []);
  }
});

test('an order for one machine goes to no other', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t);
  const bmc = driver.parse(info);
  const { guid = '', place = '' } = await driver.getPowerState(bmc, never());
  t.is(guid, `redfish:${redfish.parts.systems[0]?.uuid}`);
  await driver.setPowerState({ ...bmc, only: { guid, place } }, 'rebooting', never());
  const other = { guid: 'redfish:11111111-2222-3333-4444-555555555555', place };
  const error = await t.throwsAsync(driver.setPowerState({ ...bmc, only: other }, 'rebooting', never()), {
    instanceOf: CountermandError,
  });
  t.is(error.code, 'BMC_IS_ANOTHER');
  t.is(redfish.received.length, 1);
});

/** A BMC whose System is on and has no ETag, and that answers other requests by their first line. @param read told of each page */
async function rawBmc(t: ExecutionContext, answer: (firstLine: string) => string | null, read: () => void = () => {}) {
  const reset = { target: '/reset', 'ResetType@Redfish.AllowableValues': ['On', 'ForceOff', 'ForceRestart', 'Nmi'] };
  const page = JSON.stringify({ PowerState: 'On', Actions: { '#ComputerSystem.Reset': reset } });
  const raw = await newRawHttp(t, (line) => {
    if (!line.startsWith('GET')) return answer(line);
    read();
    return `HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\n\r\n${page}`;
  });
  const info = { redfish_address: `http://${ownAddress()}:${raw.port}`, redfish_username: 'u', redfish_password: 'p' };
  const driver = newRedfishDriver(new PatientClock());
  const parse = (redfish_auth_type: string) => driver.parse({ ...info, redfish_system_id: '1', redfish_auth_type });
  const codeOf = async (type: string, target: OrderTarget): Promise<ErrorCode> => {
    const sent = driver.setPowerState(parse(type), target, never());
    return (await t.throwsAsync(sent, { instanceOf: CountermandError })).code;
  };
  const posts = (): number => raw.requests.filter((line) => line.startsWith('POST /reset')).length;
  return { driver, parse, codeOf, posts };
}

const answered = (status: string, body = '{}'): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test('a reset, an NMI or an off that is refused while the node is on is not done for that', async (t) => {
  const { driver, parse, codeOf } = await rawBmc(t, () => answered('409 Conflict'));
  for (const target of ['rebooting', 'inject nmi', 'power off'] as const)
    t.is(await codeOf('basic', target), 'BMC_WRONG_STATE');
  await driver.setPowerState(parse('basic'), 'power on', never());
});

test('where If-Match is wanted and there is no ETag, nothing is sent again', async (t) => {
  const { codeOf, posts } = await rawBmc(t, () => answered('428 Precondition Required'));
  t.is(await codeOf('basic', 'rebooting'), 'BMC_REFUSED');
  t.is(posts(), 1);
});

test('an order whose session had ended, and for which no other is opened, was not carried out', async (t) => {
  let logins = 0;
  const { codeOf, posts } = await rawBmc(t, (line) => {
    if (line.startsWith('POST /reset')) return answered('401 Unauthorized');
    logins += 1;
    return logins === 1 ? answered('201 Created\r\nX-Auth-Token: t0ken') : 'HTTP/1.1 nonsense\r\n\r\n';
  });
  t.is(await codeOf('session', 'rebooting'), 'BMC_PROTOCOL_VIOLATION');
  t.deepEqual([logins, posts()], [2, 1]);
});

test('an order that is refused with 401 in a new session too is given up', async (t) => {
  let logins = 0;
  const { codeOf, posts } = await rawBmc(t, (line) => {
    if (line.startsWith('POST /reset')) return answered('401 Unauthorized');
    logins += 1;
    return answered('201 Created\r\nX-Auth-Token: t0ken');
  });
  t.is(await codeOf('session', 'rebooting'), 'BMC_LOGIN_REFUSED');
  t.deepEqual([logins, posts()], [2, 2]);
});

test('an error of which more is known, in an answer with status 200, is a refusal', async (t) => {
  const info = { MessageId: 'Base.1.0.InsufficientPrivilege', Message: 'no' };
  const body = JSON.stringify({ error: { code: info.MessageId, '@Message.ExtendedInfo': [info] } });
  const { codeOf } = await rawBmc(t, () => answered('200 OK', body));
  t.is(await codeOf('basic', 'rebooting'), 'BMC_PRIVILEGE_TOO_LOW');
});

test('an order whose time is over when its System has been read is not sent', async (t) => {
  const reason = new CountermandError('NOT_SENT_IN_TIME', 'the process was frozen');
  let isOver = false;
  const read = (): void => {
    isOver = true;
  };
  const { driver, parse, posts } = await rawBmc(t, () => answered('204 No Content'), read);
  const signal = never();
  onlyWhile(signal, () => (isOver ? reason : null));
  t.is(await t.throwsAsync(driver.setPowerState(parse('basic'), 'rebooting', signal)), reason);
  t.is(posts(), 0);
});

/** Refused logins are not tried again before their time. How often real BMCs see them: `refused_logins.test.ts`. */
import test from 'ava';
import { fail } from '../../src/core/errors.ts';
import { bmcOf } from '../../src/drivers/address.ts';
import { type Account, LOGIN_BACK_OFF_MS, Logins } from '../../src/drivers/logins.ts';
import { HandClock } from '../world/hand_clock.ts';

const ACCOUNT: Account = { bmc: '10.0.0.1', user: 'admin', way: 'IPMI', secret: 'wrong' };
const WRONG = fail('BMC_PASSWORD_WRONG', 'the BMC n1 has another password');
const UNKNOWN = fail('BMC_USER_UNKNOWN', 'the BMC n1 does not know the user');

/** Logins with a count of those that were really tried. */
function counting() {
  const clock = new HandClock();
  const logins = new Logins(clock);
  let tried = 0;
  const attempt = async (account: Account, error: Error | null = WRONG): Promise<string> => {
    const work = async (): Promise<string> => {
      tried += 1;
      if (error) throw error;
      return 'in';
    };
    return logins.attempt(account, work).catch((thrown: Error) => thrown.message);
  };
  return { clock, logins, attempt, tried: () => tried };
}

test('the back-off doubles up to an hour', async (t) => {
  const { clock, attempt, tried } = counting();
  const at: number[] = [];
  for (let second = 0; second <= 6 * 3600; second += 1) {
    const before = tried();
    await attempt(ACCOUNT);
    if (tried() > before) at.push(second);
    clock.moveOn(1000);
  }
  t.deepEqual(at, [0, 60, 180, 420, 900, 1860, 3780, 7380, 10_980, 14_580, 18_180]);
  t.is(LOGIN_BACK_OFF_MS.last, 3_600_000);
});

test('while it backs off, the error says the code of the BMC, since when, when next, and what can be done', async (t) => {
  const { clock, logins, attempt } = counting();
  await attempt(ACCOUNT);
  clock.moveOn(5000);
  const error = await t.throwsAsync(
    logins.attempt(ACCOUNT, async () => 'in'),
    { code: 'BMC_PASSWORD_WRONG' },
  );
  t.regex(error.message, /^the BMC n1 has another password\. .* since 2026-01-02T03:04:05\.000Z/);
  t.regex(error.message, /the next try is at 2026-01-02T03:05:05\.000Z.*correct driver_info.*refresh the node/);
});

test('another secret is tried at once; the right one frees only itself', async (t) => {
  const { clock, attempt, tried } = counting();
  await attempt(ACCOUNT);
  await attempt(ACCOUNT);
  t.is(tried(), 1);
  const right = { ...ACCOUNT, secret: 'right' };
  t.is(await attempt(right, null), 'in');
  t.is(await attempt(right, null), 'in');
  await attempt(ACCOUNT);
  t.is(tried(), 3, 'the wrong one waits still');
  await attempt({ ...ACCOUNT, secret: 'wrong too' });
  t.is(tried(), 4);
  clock.moveOn(60_000);
  await attempt(ACCOUNT);
  t.is(tried(), 4, 'both wrong ones share one back-off, which has doubled');
  clock.moveOn(60_000);
  await attempt(ACCOUNT);
  await attempt({ ...ACCOUNT, secret: 'wrong too' });
  t.is(tried(), 5);
});

test('an operator who asks has one try', async (t) => {
  const { logins, attempt, tried } = counting();
  await attempt(ACCOUNT);
  logins.allow(ACCOUNT);
  await attempt(ACCOUNT);
  await attempt(ACCOUNT);
  t.is(tried(), 2);
  logins.allow(ACCOUNT);
  t.is(await attempt(ACCOUNT, null), 'in');
  t.is(await attempt(ACCOUNT, null), 'in');
  t.false(logins.isHeld(ACCOUNT));
});

test('a wrong password is wrong on all ways to a BMC, an unknown user on one; other BMCs and users are not concerned', async (t) => {
  const { attempt, logins, tried } = counting();
  await attempt(ACCOUNT, UNKNOWN);
  t.true(logins.isHeld(ACCOUNT));
  t.false(logins.isHeld({ ...ACCOUNT, way: 'HTTP' }));
  await attempt({ ...ACCOUNT, way: 'HTTP' }, fail('BMC_LOGIN_REFUSED', 'no'));
  t.true(logins.isHeld({ ...ACCOUNT, way: 'HTTP' }));
  t.false(logins.isHeld({ ...ACCOUNT, bmc: '10.0.0.2' }));
  t.false(logins.isHeld({ ...ACCOUNT, user: 'root' }));
  t.is(tried(), 2);
  t.is(bmcOf('10.0.0.1', 623, 623), bmcOf('10.0.0.1', 443, 443));
  t.not(bmcOf('10.0.0.1', 6230, 623), bmcOf('10.0.0.1', 6231, 623));
});

test('what is no refused login changes nothing', async (t) => {
  const { attempt, logins, tried } = counting();
  await attempt(ACCOUNT, fail('BMC_SILENT', 'silent'));
  await attempt(ACCOUNT, new Error('broken'));
  t.is(tried(), 2);
  t.false(logins.isHeld(ACCOUNT));
});

test('two tries at the same time are one step of the back-off, and no caller joins a try that is under way', async (t) => {
  const { clock, logins, attempt, tried } = counting();
  const gate = Promise.withResolvers<never>();
  const slow = [0, 1].map(() => logins.attempt(ACCOUNT, () => gate.promise).catch((error: Error) => error.message));
  gate.reject(WRONG);
  const [one, other] = await Promise.all(slow);
  t.is(one, other);
  clock.moveOn(60_000);
  const second = Promise.withResolvers<never>();
  const trying = logins.attempt(ACCOUNT, () => second.promise).catch(() => {});
  await attempt(ACCOUNT);
  t.is(tried(), 0);
  second.reject(WRONG);
  await trying;
});

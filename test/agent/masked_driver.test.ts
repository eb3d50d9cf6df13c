/** A BMC that repeats the login: what the agent says of it holds no secret, in any spelling. */
import test from 'ava';
import { masked } from '../../src/agent/masked_driver.ts';
import { fail } from '../../src/core/errors.ts';
import { type Bmc, type Driver, traitsOf } from '../../src/drivers/driver.ts';
import { newIrmcDriver } from '../counterparts/irmc_driver.ts';
import { never } from '../counterparts/signals.ts';

const PASSWORD = 'pAss-4f7Qz-w0rd';
const LOGIN = Buffer.from(`admin:${PASSWORD}`).toString('base64');
const ECHO = `the BMC says: HTTP 500 for admin:${PASSWORD} (Authorization: Basic ${LOGIN})`;
const real = newIrmcDriver() as Driver;
test.after.always(() => real.close());

const bmc = real.parse({ irmc_address: '127.0.0.1', irmc_username: 'admin', irmc_password: PASSWORD });
const throwing = (error: Error) => (): Promise<never> => Promise.reject(error);
const driverThat = (throws: () => Promise<never>): Driver =>
  masked({ ...real, getPowerState: throws, setPowerState: throws, abortPowerState: throws, locate: throws });

const CALLS: readonly ((driver: Driver, bmc: Bmc<unknown>) => Promise<unknown>)[] = [
  (driver, of) => driver.getPowerState(of, never()),
  (driver, of) => driver.setPowerState({ ...of, only: { guid: null, place: null } }, 'power off', never()),
  (driver, of) => driver.abortPowerState(of, 'soft power off', never()),
  (driver, of) => driver.locate(of, 'anew', never()),
];

test('errors keep their code, and their sentence without the login', async (t) => {
  const driver = driverThat(throwing(fail('BMC_REFUSED', ECHO, new Error(ECHO))));
  for (const call of CALLS) {
    const error = await t.throwsAsync(call(driver, bmc), { code: 'BMC_REFUSED' } as never);
    t.regex(error.message, /HTTP 500/);
    for (const text of [error.message, error.stack ?? '', String(error.cause)]) {
      t.false(text.includes(PASSWORD), text);
      t.false(text.includes(LOGIN.slice(8, 20)), text);
    }
  }
});

test('a fault of the program is told without the login, too', async (t) => {
  const driver = driverThat(throwing(new TypeError(ECHO)));
  const error = await t.throwsAsync(driver.getPowerState(bmc, never()), { code: 'INTERNAL' } as never);
  t.false(error.message.includes(PASSWORD));
});

test('the reasons of answers are masked, and the reason of an abort passes as it is', async (t) => {
  const answering = masked({
    ...real,
    abortPowerState: async () => ({ accepted: false, reason: ECHO }),
    getSupportedPowerStates: async () => ({ ...traitsOf(real), targets: [], probed: true, reason: ECHO }),
    setPowerState: async () => ECHO,
  });
  t.false((await answering.abortPowerState(bmc, 'soft power off', never())).reason.includes(PASSWORD));
  t.false((await answering.setPowerState(bmc, 'soft power off', never())).includes(PASSWORD));
  t.false((await answering.getSupportedPowerStates(bmc, never())).reason?.includes(PASSWORD));
  const reason = fail('ABORT_REQUESTED', ECHO);
  const aborted = driverThat(throwing(reason));
  t.is(await aborted.getPowerState(bmc, AbortSignal.abort(reason)).catch((error) => error), reason);
});

/** The cipher suite where driver_info names none: 17 first, then 3, by each transport; only the opening of a session is tried again. */
import test, { type ExecutionContext } from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { CIPHER_SUITES } from '../../src/drivers/ipmi/rmcp/cipher_suites.ts';
import { decodeOpenSessionRequest } from '../../src/drivers/ipmi/rmcp/handshake.ts';
import { decodePacket, PAYLOAD } from '../../src/drivers/ipmi/rmcp/packet.ts';
import type { SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { IPMI_TRANSPORTS, type IpmiTransport, newIpmiDriver } from '../counterparts/ipmi_driver.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { type NewSimBmc, newSimBmc } from '../counterparts/sim_bmc.ts';

/** The suites that sessions are asked for, in order; equal ones that follow each other once, as a question is asked again. */
function listenToSuites(bmc: SimBmc): number[] {
  const suites: number[] = [];
  const receive = bmc.receive.bind(bmc);
  bmc.receive = (datagram) => {
    const packet = decodePacket(datagram);
    const isRequest = packet?.kind === 'session' && packet.payloadType === PAYLOAD.openSessionRequest;
    const asked = isRequest ? decodeOpenSessionRequest(packet.payload) : null;
    const suite = Object.values(CIPHER_SUITES).find(({ authentication }) => authentication === asked?.authentication);
    if (suite !== undefined) suites.push(suite.id);
    return receive(datagram);
  };
  return suites;
}

/** A BMC, and a driver that speaks to it by a transport. No session is kept: each command opens one. */
async function spoken(t: ExecutionContext, transport: IpmiTransport, options: NewSimBmc, named: object = {}) {
  const tested = await newSimBmc(t, options);
  const clock = new PatientClock();
  const driver = newIpmiDriver({ clock, keepSessionMs: 0, answerLimitS: 1 });
  t.teardown(() => driver.close());
  const bmc = driver.parse({ ...tested.info, ipmi_transport: transport, ...named });
  const sessions = listenToSuites(tested.bmc);
  const read = () => driver.getPowerState(bmc, never());
  const order = () => driver.setPowerState(bmc, 'power off', never());
  return { ...tested, driver, clock, sessions, read, order };
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof CountermandError ? error.code : String(error)),
  );

/** A call that waits for an answer until its time has passed; ipmitool has a time of its own. */
const settled = <T>(transport: IpmiTransport, clock: PatientClock, call: Promise<T>): Promise<T> =>
  transport === 'native' ? clock.letPass(call, 60_000) : call;

for (const transport of IPMI_TRANSPORTS) {
  test(`${transport}: 17 where both are done`, async (t) => {
    const { read, order, sessions } = await spoken(t, transport, {});
    t.is((await read()).powerState, 'power on');
    await order();
    t.deepEqual(new Set(sessions), new Set([17]));
  });

  test(`${transport}: a BMC that refuses 17 gets 3, and is asked for 3 from then on; one order is sent`, async (t) => {
    const { bmc, read, order, sessions } = await spoken(t, transport, { login: { cipherSuites: [3] } });
    await order();
    t.deepEqual(sessions, [17, 3]);
    t.deepEqual(
      bmc.received.filter((command) => command !== 'status'),
      ['off'],
    );
    t.is((await read()).powerState, 'power off');
    t.deepEqual(new Set(sessions.slice(2)), new Set([3]));
  });

  test(`${transport}: one that is named is the only one`, async (t) => {
    const named = { ipmi_cipher_suite: '17' };
    const { order, sessions } = await spoken(t, transport, { login: { cipherSuites: [3] } }, named);
    t.is(await codeOf(order()), 'BMC_CIPHER_REFUSED');
    t.deepEqual(sessions, [17]);
  });

  test(`${transport}: a BMC that opens no session is not asked for a weaker suite`, async (t) => {
    const { clock, order, sessions } = await spoken(t, transport, { faults: { hung: true } });
    const code = await codeOf(settled(transport, clock, order()));
    t.true(['BMC_SILENT', 'BMC_LOGIN_REFUSED'].includes(code), code);
    t.deepEqual(new Set(sessions), new Set([17]));
  });

  test(`${transport}: an order that was not answered is not sent with the other suite`, async (t) => {
    const { bmc, clock, order, sessions } = await spoken(t, transport, { faults: { dropsOrderAnswers: true } });
    t.is(await codeOf(settled(transport, clock, order())), 'NO_ANSWER');
    t.deepEqual(
      bmc.received.filter((command) => command !== 'status'),
      ['off'],
    );
    t.deepEqual(new Set(sessions), new Set([17]));
  });

  test(`${transport}: a wrong password is told after one login, also with the second suite`, async (t) => {
    const login = { login: { cipherSuites: [3] as const } };
    const { read, sessions, logins } = await spoken(t, transport, login, { ipmi_password: 'wrong' });
    t.is(await codeOf(read()), 'BMC_PASSWORD_WRONG');
    t.deepEqual(sessions, [17, 3]);
    t.is(logins.count, 1);
  });

  test(`${transport}: ipmi_sim, which does 3 only, needs no name of a suite`, async (t) => {
    const sim = await newIpmiSim(t);
    const driver = newIpmiDriver({ clock: new PatientClock() });
    t.teardown(() => driver.close());
    const { ipmi_cipher_suite: _, ...info } = { ipmi_cipher_suite: '3', ...infoOf(sim) };
    const bmc = driver.parse({ ...info, ipmi_transport: transport });
    t.is((await driver.getPowerState(bmc, never())).powerState, 'power on');
    await driver.setPowerState(bmc, 'power off', never());
    t.is(await sim.power(), 'power off');
  });
}

test('both refused: one error that says so', async (t) => {
  const { read, sessions } = await spoken(t, 'native', { login: { cipherSuites: [] } });
  const error = await t.throwsAsync(read(), { instanceOf: CountermandError });
  t.is(error.code, 'BMC_CIPHER_REFUSED');
  t.regex(error.message, /It refuses both suites, 17 and 3$/);
  t.deepEqual(sessions, [17, 3]);
});

test('a BMC that has other firmware now: 17 again where 3 is refused', async (t) => {
  const { bmc, driver, read, info, sessions } = await spoken(t, 'native', { login: { cipherSuites: [3] } });
  await read();
  const [{ port }, other] = [{ port: info.ipmi_port }, await newSimBmc(t, { login: { cipherSuites: [17] } })];
  bmc.receive = other.bmc.receive.bind(other.bmc);
  const later = listenToSuites(bmc);
  t.is((await driver.getPowerState(driver.parse(info), never())).powerState, 'power on', port);
  t.deepEqual([...sessions, ...later], [17, 3, 3, 17]);
});

test('several at once at a BMC that is not known yet: the first one finds out', async (t) => {
  const { read, sessions } = await spoken(t, 'native', { login: { cipherSuites: [3] } });
  const readings = await Promise.all([read(), read(), read()]);
  t.deepEqual(new Set(readings.map(({ powerState }) => powerState)), new Set(['power on']));
  t.is(sessions.filter((suite) => suite === 17).length, 1);
});

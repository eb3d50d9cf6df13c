/** Opening a session: each refusal has its cause, at once where the wire tells, and nothing is sent before it is open. */
import test from 'ava';
import { getChassisStatus, getDeviceId } from '../../../src/drivers/ipmi/rmcp/commands.ts';
import type { Login } from '../../../src/drivers/ipmi/rmcp/opening.ts';
import { decodePacket, encodeSession, PAYLOAD } from '../../../src/drivers/ipmi/rmcp/packet.ts';
import { type RmcpCause, RmcpError } from '../../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import type { SimLogin } from '../../../src/sim/ipmi/bmc_session.ts';
import { never } from '../../counterparts/signals.ts';
import { settle, type Tamper, targetOf, Wire } from './wire.ts';

/** What a BMC is like for one attempt, and how one logs in. */
interface Attempt {
  readonly bmc?: Partial<SimLogin>;
  readonly login?: Partial<Login>;
  readonly host?: string;
  readonly broken?: string;
  readonly tamper?: Tamper;
  readonly silent?: boolean;
}

async function attempt({ bmc: settings = {}, login, host = 'bmc', broken, tamper, silent }: Attempt) {
  const wire = new Wire();
  wire.latencyMs = 1;
  const bmc = wire.add('bmc', {}, settings);
  if (broken) wire.broken.set('bmc', broken);
  if (tamper) wire.tamper = tamper;
  if (silent) bmc.faults = { ...bmc.faults, silent };
  const pool = wire.pool();
  const outcome = await settle(pool.run(targetOf(host, login), getChassisStatus, never()), wire.clock);
  pool.close();
  await wire.clock.turn(10);
  return { ...outcome, wire, bmc, received: bmc.received };
}

const fails = test.macro({
  exec: async (t, cause: RmcpCause, tried: Attempt, withinMs: number) => {
    const { error, tookMs, wire, received } = await attempt(tried);
    if (!(error instanceof RmcpError)) return t.fail(String(error));
    t.is(error.reason, cause, error.message);
    t.true(tookMs <= withinMs, `took ${tookMs} ms`);
    t.deepEqual(received, []);
    t.is(wire.lines, 0);
    t.is(wire.clock.timers, 0);
    t.false(error.message.includes('secret'));
  },
  title: (title, cause) => `${cause}: ${title}`,
});

const AT_ONCE_MS = 50;
const key = (text: string): Buffer => Buffer.from(text);

test('unknown user', fails, 'UNKNOWN_USER', { login: { username: key('nobody') } }, AT_ONCE_MS);
test('wrong password', fails, 'WRONG_PASSWORD', { login: { password: key('wrong') } }, AT_ONCE_MS);
test('no password', fails, 'WRONG_PASSWORD', { login: { password: key('') } }, AT_ONCE_MS);
test('another K_g', fails, 'WRONG_KG', { bmc: { kg: key('one') }, login: { kg: key('two') } }, AT_ONCE_MS);
test('a K_g where the BMC has none', fails, 'WRONG_KG', { login: { kg: key('two') } }, AT_ONCE_MS);
test('no K_g where the BMC has one', fails, 'WRONG_KG', { bmc: { kg: key('one') } }, AT_ONCE_MS);
test(
  'a suite that the BMC has not',
  fails,
  'CIPHER_REFUSED',
  { bmc: { cipherSuites: [3] }, login: { cipherSuite: 17 } },
  AT_ONCE_MS,
);
test('no slot', fails, 'NO_SESSION_SLOT', { bmc: { maxSessions: 0 } }, AT_ONCE_MS);
test(
  'more than the user may have',
  fails,
  'PRIVILEGE_TOO_LOW',
  { login: { username: key('watcher'), password: key('look') } },
  AT_ONCE_MS,
);
test('a closed port', fails, 'PORT_CLOSED', { broken: 'ECONNREFUSED' }, AT_ONCE_MS);
test('no route', fails, 'NO_ROUTE', { broken: 'ENETUNREACH' }, AT_ONCE_MS);
test('no such name', fails, 'NAME_NOT_FOUND', { host: 'bmc.invalid' }, AT_ONCE_MS);
test('no BMC there', fails, 'SILENT', { silent: true }, 6000);
test('what answers is no BMC', fails, 'PROTOCOL_VIOLATION', { tamper: () => key('HTTP/1.1 400 Bad Request') }, 6000);

const isKind = (datagram: Buffer, ...types: readonly number[]): boolean => {
  const packet = decodePacket(datagram);
  return packet?.kind === 'session' && types.includes(packet.payloadType);
};

test(
  'a BMC that does not answer to IPMI 2.0',
  fails,
  'NO_IPMI_2',
  // All that is heard of it is the pong, which is no RMCP+.
  { tamper: (datagram) => (datagram[3] === 0x06 ? datagram : null) },
  6000,
);
test(
  'a BMC that says it speaks IPMI 2.0, and hangs',
  fails,
  'SILENT',
  { tamper: (datagram) => (isKind(datagram, PAYLOAD.openSessionResponse) ? null : datagram) },
  6000,
);
test(
  'a BMC that drops the names that it does not know',
  fails,
  'UNKNOWN_USER',
  { tamper: (datagram) => (isKind(datagram, PAYLOAD.rakp2) ? null : datagram) },
  6100,
);
test(
  'a BMC that does not answer the login, twice',
  fails,
  'WRONG_PASSWORD',
  { tamper: (datagram) => (isKind(datagram, PAYLOAD.rakp4) ? null : datagram) },
  13_000,
);

for (const suite of [3, 17] as const)
  test(`suite ${suite}: a session is opened in five round trips, and asked in one`, async (t) => {
    const { value, wire, received } = await attempt({ login: { cipherSuite: suite } });
    t.deepEqual(value?.powerOn, true);
    t.deepEqual(received, ['status']);
    // Open Session, RAKP 1, RAKP 3, the privilege level, the command, and the farewell.
    t.is(wire.sent, 6);
  });

test('a K_g, and a name and a password of full length', async (t) => {
  const user = { name: 'a234567890123456', password: 'p2345678901234567890', privilege: 'OPERATOR' } as const;
  const kg = Buffer.alloc(20, 9);
  const { value } = await attempt({
    bmc: { users: [user], kg },
    login: { username: key(user.name), password: key(user.password), kg, privilege: 'OPERATOR' },
  });
  t.true(value?.powerOn);
});

test('a datagram that is broken on its way is made up for', async (t) => {
  for (const type of [PAYLOAD.openSessionResponse, PAYLOAD.rakp2, PAYLOAD.ipmi]) {
    let broken = 0;
    const { value, bmc } = await attempt({
      tamper(datagram) {
        if (!isKind(datagram, type) || broken > 0) return datagram;
        broken += 1;
        const copy = Buffer.from(datagram);
        copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
        return copy;
      },
    });
    t.is(broken, 1);
    t.true(value?.powerOn, `payload type ${type}`);
    t.true(bmc.sessions <= 1);
  }
});

test('a wrong password is found without a failed login at the BMC, which gets its slot back', async (t) => {
  const types: number[] = [];
  const { bmc } = await attempt({
    login: { password: key('wrong') },
    tamper(datagram) {
      const packet = decodePacket(datagram);
      if (packet?.kind === 'session') types.push(packet.payloadType);
      return datagram;
    },
  });
  t.false(types.includes(PAYLOAD.rakp4));
  t.is(bmc.sessions, 0);
});

test('a BMC that is slow is not asked again before it can have answered', async (t) => {
  const wire = new Wire();
  const bmc = wire.add('bmc');
  bmc.faults = { ...bmc.faults, answerMs: 5000 };
  const pool = wire.pool();
  const { value, tookMs } = await settle(pool.run(targetOf('bmc'), getDeviceId, never()), wire.clock);
  t.is(value?.ipmiVersion, '2.0');
  // Five answers of 5 s. Only the first question was asked again, as the answer was not known; beside it, who is there.
  t.is(tookMs, 25_000);
  t.is(wire.sent, 5 + 3 * 3);
  pool.close();
});

test('what is no answer to the question is passed over, whatever it says', async (t) => {
  const wire = new Wire();
  wire.add('bmc');
  const evil = encodeSession(
    {
      payloadType: PAYLOAD.openSessionResponse,
      encrypted: false,
      sessionId: 0,
      sequence: 0,
      payload: Buffer.from([77, 1]),
    },
    null,
  );
  let said = 0;
  wire.tamper = (datagram) => {
    said += 1;
    return said === 1 ? evil : datagram;
  };
  const pool = wire.pool();
  const { value } = await settle(pool.run(targetOf('bmc'), getChassisStatus, never()), wire.clock);
  t.true(value?.powerOn);
  pool.close();
});

/** Who asks: tokens and passwords, good ones and all that are not, with a clock that is moved on by hand. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import bcrypt from 'bcryptjs';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import type { Clock } from '../../../src/core/clock.ts';
import { asCountermandError } from '../../../src/core/errors.ts';
import { createAuthenticator as openAuthenticator } from '../../../src/server/access/authenticator.ts';
import type { Credentials } from '../../../src/server/access/identity.ts';
import type { Methods } from '../../../src/server/access/methods.ts';
import { openPasswords } from '../../../src/server/access/passwords.ts';
import type { TokenRow } from '../../../src/server/store/tokens.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { HandClock } from '../../world/hand_clock.ts';

const NO_METHODS: Methods = { tokens: false, certificates: false, jwt: null, htpasswd: null };
const NOTHING: Credentials = { authorization: null, token: null, certificate: null, peer: '127.0.0.1:4000' };
const log = { error: () => {} };
const createAuthenticator = (...parts: Parameters<typeof openAuthenticator>) =>
  openAuthenticator(...parts)({ find: () => null, current: (row) => row });

/** Who a request is from, or the sentence with which it is refused. */
async function answerOf(work: Promise<{ readonly name: string }>): Promise<string> {
  return work.then(
    ({ name }) => name,
    (error: unknown) => `${asCountermandError(error).code}: ${asCountermandError(error).message}`,
  );
}

const ISSUER = 'https://issuer.example';

/** An issuer with its keys in a file, and a conductor that trusts it. */
async function openIssuer(t: ExecutionContext) {
  const file = join(await newFolder(t), 'jwks.json');
  const clock = new HandClock();
  const keys = await generateKeyPair('ES256', { extractable: true });
  const publish = async (key: Parameters<typeof exportJWK>[0]) =>
    writeFile(file, JSON.stringify({ keys: [{ ...(await exportJWK(key)), kid: 'one', alg: 'ES256' }] }));
  await publish(keys.publicKey);
  const jwt = { issuer: ISSUER, audience: 'countermand', keys: file, clockSkewMs: 30_000 };
  const identify = createAuthenticator({ ...NO_METHODS, jwt }, clock, log);
  const seconds = () => Math.floor(clock.now() / 1000);
  const claims = (): JWTPayload => ({ iss: ISSUER, aud: 'countermand', sub: 'alice', exp: seconds() + 600 });
  const sign = (payload: JWTPayload, key = keys.privateKey) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key);
  const ask = (token: string) => answerOf(identify({ ...NOTHING, authorization: `Bearer ${token}` }));
  return { clock, keys, file, publish, identify, claims, sign, ask, seconds };
}

test('a token of the issuer is who its subject is', async (t) => {
  const { identify, claims, sign, ask } = await openIssuer(t);
  const token = await sign(claims());
  t.is(await ask(token), 'jwt:alice');
  t.is(await answerOf(identify({ ...NOTHING, token })), 'jwt:alice');
  t.is(await answerOf(identify({ ...NOTHING, authorization: `bearer   ${token} ` })), 'jwt:alice');
  t.is(await ask(await sign({ ...claims(), aud: ['other', 'countermand'] })), 'jwt:alice');
  t.regex(await ask(await sign({ ...claims(), sub: 'x'.repeat(300) })), /^UNAUTHENTICATED: a name must have/);
  t.regex(await ask(await sign({ ...claims(), sub: 'a\nb' })), /^UNAUTHENTICATED: a name must have/);
});

test('a token that is not good is refused, and the sentence says why', async (t) => {
  const { keys, claims, sign, ask, seconds } = await openIssuer(t);
  const other = await generateKeyPair('ES256');
  const without = (name: 'exp' | 'sub' | 'aud' | 'iss') => ({ ...claims(), [name]: undefined });
  const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
  const shared = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'one' });
  const good = await sign(claims());
  const refusals: readonly (readonly [token: string, reason: string])[] = [
    [await sign({ ...claims(), exp: seconds() - 31 }), 'it has expired'],
    [await sign({ ...claims(), nbf: seconds() + 60 }), 'its nbf is not the one that is wanted'],
    [await sign({ ...claims(), aud: 'other' }), 'its aud is not the one that is wanted'],
    [await sign({ ...claims(), iss: 'https://other.example' }), 'its iss is not the one that is wanted'],
    [await sign(without('exp')), 'it has no exp'],
    [await sign(without('sub')), 'it has no sub'],
    [await sign({ ...claims(), sub: ['alice'] as never }), 'its sub is no text'],
    [await sign({ ...claims(), sub: 7 as never }), 'its sub is no text'],
    [await sign({ ...claims(), sub: null as never }), 'its sub is no text'],
    [await sign(without('aud')), 'it has no aud'],
    [await sign(without('iss')), 'it has no iss'],
    [await sign(claims(), other.privateKey), 'its signature is not by a key of the issuer'],
    [`${good.slice(0, -6)}AAAAAA`, 'its signature is not by a key of the issuer'],
    [new UnsecuredJWT(claims()).encode(), 'its algorithm is not one of a public key'],
    [await shared.sign(secret), 'its algorithm is not one of a public key'],
    ['nonsense', 'it is no JSON Web Token'],
    ['', 'it is no JSON Web Token'],
  ];
  for (const [token, reason] of refusals)
    t.is(
      await ask(token),
      `UNAUTHENTICATED: the bearer token is not accepted: ${reason}; accepted: a token of this conductor, a JSON Web Token of the issuer`,
    );
  t.is(await ask(await sign({ ...claims(), exp: seconds() - 29 })), 'jwt:alice');
});

test('a token that was good is not good for ever: it expires, and its key is taken back', async (t) => {
  const { clock, claims, sign, ask, publish, file, seconds } = await openIssuer(t);
  const short = await sign({ ...claims(), exp: seconds() + 10 });
  const long = await sign({ ...claims(), exp: seconds() + 6000 });
  t.is(await ask(short), 'jwt:alice');
  clock.moveOn(41_000);
  t.regex(await ask(short), /it has expired;/);
  t.is(await ask(long), 'jwt:alice');
  await publish((await generateKeyPair('ES256', { extractable: true })).publicKey);
  clock.moveOn(5000);
  t.regex(await ask(long), /its signature is not by a key of the issuer;/);
  await writeFile(file, 'half a fi');
  clock.moveOn(5000);
  t.regex(await ask(long), /^KEYS_UNREACHABLE: (?!.*jwks)/);
});

test('keys that are not public, or that come by http, are refused at the start', async (t) => {
  const file = join(await newFolder(t), 'keys');
  const open = (keys: string) =>
    createAuthenticator(
      { ...NO_METHODS, jwt: { issuer: 'i', audience: 'a', keys, clockSkewMs: 0 } },
      new HandClock(),
      log,
    );
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  await writeFile(file, JSON.stringify({ keys: [await exportJWK(privateKey)] }));
  t.throws(() => open(file), { code: 'CONFIGURATION_INVALID', message: /not public/ });
  await writeFile(file, '{}');
  t.throws(() => open(file), { code: 'CONFIGURATION_INVALID', message: /neither a JWKS nor a public key/ });
  for (const url of [
    'http://issuer.example/jwks',
    'https://u:pw-3@issuer.example/jwks',
    'https://:pw-3@issuer.example/',
  ]) {
    const refused = t.throws(() => open(url), { code: 'CONFIGURATION_INVALID', message: /https/ });
    t.false(refused.message.includes('pw-3'));
  }
  await writeFile(file, await exportSPKI(publicKey));
  t.notThrows(() => open(file));
});

test('a user with a password, and one without', async (t) => {
  const file = join(await newFolder(t), 'htpasswd');
  const clock = new HandClock();
  const lineOf = (user: string, password: string) => `${user}:${bcrypt.hashSync(password, 4)}\n`;
  await writeFile(file, `# people\n${lineOf('alice', 'se:cret')}${lineOf('bob', 'other')}`);
  const identify = createAuthenticator({ ...NO_METHODS, htpasswd: file }, clock, log);
  const ask = (text: string) =>
    answerOf(identify({ ...NOTHING, authorization: `Basic ${Buffer.from(text).toString('base64')}` }));
  t.is(await ask('alice:se:cret'), 'basic:alice');
  t.is(await ask('alice:se:cret'), 'basic:alice');
  for (const wrong of ['alice:other', 'alice:', 'alice', 'carol:se:cret', ':se:cret', ''])
    t.regex(
      await ask(wrong),
      /^UNAUTHENTICATED: the user name or the password is wrong; accepted: a token of this conductor, a user name/,
    );
  // A password that was remembered is gone with its line.
  await writeFile(file, lineOf('bob', 'other'));
  clock.moveOn(5000);
  t.regex(await ask('alice:se:cret'), /^UNAUTHENTICATED/);
  const many = await Promise.all(Array.from({ length: 9 }, (_, at) => ask(`bob:${at}`)));
  t.is(many.filter((answer) => answer.startsWith('TOO_MANY_LOGINS')).length, 1);
  t.is(await ask('bob:other'), 'basic:bob');
  await writeFile(file, 'alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n');
  t.throws(() => createAuthenticator({ ...NO_METHODS, htpasswd: file }, clock, log), {
    code: 'CONFIGURATION_INVALID',
    message: /line 1 is not USER:HASH with a hash of bcrypt/,
  });
});

test('after a wrong password the next one is compared a pause later; a hash that takes seconds is refused', async (t) => {
  const file = join(await newFolder(t), 'htpasswd');
  await writeFile(file, `bob:${bcrypt.hashSync('other', 4)}\n`);
  const rests: { readonly ms: number; readonly end: () => void }[] = [];
  const hand = new HandClock();
  const clock: Clock = {
    now: () => hand.now(),
    monotonic: () => hand.monotonic(),
    after(ms, end) {
      rests.push({ ms, end });
      return { cancel() {} };
    },
  };
  const passwords = openPasswords(file, clock);
  t.is(await passwords.fit('bob', 'wrong'), null);
  t.deepEqual(
    rests.map(({ ms }) => ms),
    [200],
  );
  let isCompared = false;
  const next = passwords.fit('bob', 'other').then((still) => {
    isCompared = true;
    return still;
  });
  // Longer than a comparison of this cost takes.
  bcrypt.compareSync('other', bcrypt.hashSync('other', 8));
  await new Promise(setImmediate);
  t.false(isCompared);
  rests[0]?.end();
  t.true((await next)?.());
  t.true((await passwords.fit('bob', 'other'))?.(), 'what is known is not compared again');
  t.is(rests.length, 1, 'a right password is followed by no pause');
  await writeFile(file, `bob:$2y$15$${'a'.repeat(53)}\n`);
  t.throws(() => openPasswords(file, clock), { code: 'CONFIGURATION_INVALID', message: /cost 15, and at most 14/ });
});

test('a certificate is who it names, until it expires; an authorization beside it comes first', async (t) => {
  const clock = new HandClock();
  const identify = createAuthenticator({ ...NO_METHODS, certificates: true }, clock, log);
  const certificate = { name: 'CN=alice', validTo: clock.now() + 1000, problem: null };
  t.is(await answerOf(identify({ ...NOTHING, certificate })), 'certificate:CN=alice');
  t.regex(
    await answerOf(identify({ ...NOTHING, certificate: { ...certificate, problem: 'cert has expired' } })),
    /^UNAUTHENTICATED: the client certificate is not accepted \(cert has expired\); accepted: a client certificate, a token of this conductor$/,
  );
  t.regex(await answerOf(identify({ ...NOTHING, certificate, authorization: 'Bearer x' })), /^UNAUTHENTICATED/);
  t.regex(await answerOf(identify({ ...NOTHING, certificate, authorization: 'Digest x' })), /neither Bearer nor Basic/);
  clock.moveOn(1001);
  t.regex(await answerOf(identify({ ...NOTHING, certificate })), /the client certificate has expired/);
  t.regex(
    await answerOf(identify(NOTHING)),
    /^UNAUTHENTICATED: the call says not who makes it; accepted: a client cert/,
  );
});

test('a token of the conductor is who it names, until it expires or is revoked', async (t) => {
  const clock = new HandClock();
  const times = { createdAt: clock.now(), createdBy: 'jwt:alice', expiresAt: clock.now() + 1000, revokedAt: null };
  const row: TokenRow = { uuid: 'u', name: 'ci', digest: 'd', agentZones: [], role: null, ...times };
  const rows = new Map([
    ['countermand_client', row],
    ['countermand_agent', { ...row, agentZones: ['north'] }],
    ['countermand_revoked', { ...row, revokedAt: clock.now() }],
  ]);
  const identify = openAuthenticator(
    { ...NO_METHODS, tokens: true },
    clock,
    log,
  )({ find: (secret) => rows.get(secret) ?? null, current: (known) => known });
  const ask = (token: string) => identify({ ...NOTHING, authorization: `Bearer ${token}` });
  t.like(await ask('countermand_client'), { name: 'token:ci', agentZones: null });
  const { objection, ...who } = await ask('countermand_agent');
  t.deepEqual(who, { name: 'agent:ci', agentZones: ['north'] });
  t.is(objection?.(), null);
  t.regex(await answerOf(ask('countermand_revoked')), /^UNAUTHENTICATED: the token ci was revoked/);
  t.regex(await answerOf(ask('countermand_other')), /^UNAUTHENTICATED: this conductor has not made the token/);
  t.regex(await answerOf(ask('other')), /^UNAUTHENTICATED: tokens of others than this conductor are not accepted here/);
  clock.moveOn(1000);
  t.regex(await answerOf(ask('countermand_client')), /^UNAUTHENTICATED: the token ci has expired/);
  t.is(objection?.(), 'the token ci has expired');
});

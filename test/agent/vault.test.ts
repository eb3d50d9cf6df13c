/** Secrets of a Vault: read over a real socket, kept for a stated time, and never told. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Vault, type VaultLogin, vaultPlace } from '../../src/agent/vault.ts';
import { isVaultAddress, openVault } from '../../src/cli/daemon/vault.ts';
import { newFolder } from '../counterparts/folder.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { openVaultServer, type VaultServer } from '../counterparts/vault.ts';
import { openHouse } from '../e2e/house.ts';
import { enrol, nodeNow, order, untilAtRest } from '../e2e/orders.ts';
import { refused } from '../e2e/refusals.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const SECRET = 'vAult-5Tq8z';
const REFERENCE = 'vault:kv/rack7/bmc#password';
const LOOK_UP = 'GET /v1/auth/token/lookup-self';
const READ = 'GET /v1/kv/data/rack7/bmc';

const open = (server: VaultServer, login: VaultLogin, clock: VirtualClock): Vault =>
  new Vault({ address: server.address, login, ca: null, namespace: null, timeoutMs: 5000, cacheMs: 60_000, clock });
const byToken: VaultLogin = { kind: 'token', token: () => 'hvs.file\n' };
const byRole: VaultLogin = { kind: 'approle', roleId: () => 'role', secretId: () => 'secret' };

/** What a reference is answered after it was asked for. */
async function answerOf(vault: Vault, reference = REFERENCE): Promise<string> {
  await vault.read(reference);
  try {
    return vault.get(reference);
  } catch (error) {
    return (error as Error).message;
  }
}

test('which references there are, and where they lead', (t) => {
  t.deepEqual(vaultPlace(REFERENCE), { path: '/v1/kv/data/rack7/bmc', key: 'password' });
  t.deepEqual(vaultPlace('vault:kv/a b#k'), { path: '/v1/kv/data/a%20b', key: 'k' });
  for (const wrong of [
    'vault:kv#k',
    'vault:kv/a',
    'vault:kv/../sys/x#k',
    'vault:kv/./x#k',
    'vault:/kv/a#k',
    'vault:kv/a?b#k',
    'file:a',
  ])
    t.is(vaultPlace(wrong), null, wrong);
});

test('a secret is read once for a while, and again when that is over', async (t) => {
  const [server, clock] = [await openVaultServer(t), new VirtualClock()];
  const vault = open(server, byToken, clock);
  server.tokens.add('hvs.file');
  server.secrets.set('kv/rack7/bmc', { password: SECRET, port: 623, long: 'x'.repeat(5000) });
  t.false(vault.has(REFERENCE));
  t.deepEqual(await Promise.all([answerOf(vault), answerOf(vault)]), [SECRET, SECRET]);
  t.deepEqual(server.asked, [READ], 'two at once ask once');
  await clock.turn(59_000);
  t.is(await answerOf(vault), SECRET);
  t.is(server.asked.length, 1);
  server.secrets.set('kv/rack7/bmc', { password: 'changed' });
  await clock.turn(2000);
  t.false(vault.has(REFERENCE));
  t.is(await answerOf(vault), 'changed');
  t.is(server.asked.length, 2);
});

test('what cannot be read says why, is not asked for at once again, and tells no secret', async (t) => {
  const [server, clock] = [await openVaultServer(t), new VirtualClock()];
  const vault = open(server, byToken, clock);
  const says = async (message: RegExp, reference = REFERENCE) => {
    const answer = await answerOf(vault, reference);
    t.regex(answer, message);
    t.false(answer.includes(SECRET));
    await clock.turn(3000);
  };
  await says(/^vault:kv\/rack7\/bmc#password cannot be read: Vault answered 403 \(permission denied\)$/);
  server.tokens.add('hvs.file');
  await says(/is not there, or was deleted/);
  server.secrets.set('kv/rack7/bmc', null);
  await says(/is not there, or was deleted/);
  server.secrets.set('kv/rack7/bmc', { password: { nested: SECRET }, long: 'x'.repeat(5000) });
  await says(/has no text with the key password/);
  await says(/is longer than 4096 characters/, 'vault:kv/rack7/bmc#long');
  await says(/is not of the form vault:MOUNT\/PATH#KEY/, 'vault:kv#password');
  const asked = server.asked.length;
  server.secrets.set('kv/rack7/bmc', { password: SECRET });
  t.regex(await answerOf(vault, 'vault:kv/other#k'), /is not there/);
  server.secrets.set('kv/other', { k: SECRET });
  t.regex(await answerOf(vault, 'vault:kv/other#k'), /is not there/, 'a failure is told again');
  t.is(server.asked.length, asked + 1);
  await clock.turn(3000);
  t.is(await answerOf(vault, 'vault:kv/other#k'), SECRET);
});

test('an answer without end, none at all, and one that is no JSON', async (t) => {
  const [server, clock] = [await openVaultServer(t), new VirtualClock()];
  const vault = open(server, byToken, clock);
  server.answer = (response) => void response.writeHead(200).end('x'.repeat(100_000));
  t.regex(await answerOf(vault), /Vault at http:\S+ cannot be asked: its answer is too long/);
  await clock.turn(3000);
  server.answer = (response) => void response.writeHead(200).end('<html>');
  t.regex(await answerOf(vault), /has no text with the key password/);
  await clock.turn(3000);
  const heard = Promise.withResolvers<void>();
  server.answer = () => heard.resolve();
  const answer = answerOf(vault);
  await heard.promise;
  await clock.turn(5000);
  t.regex(await answer, /cannot be read: an answer of Vault at http:\S+ took longer than 5 s/);
});

test('by AppRole: logged in once, renewed before the token ends, and anew when it was revoked', async (t) => {
  const [server, clock] = [await openVaultServer(t), new VirtualClock()];
  const vault = open(server, byRole, clock);
  server.secrets.set('kv/rack7/bmc', { password: SECRET });
  t.regex(await answerOf(vault), /refuses the login by AppRole: it answered 400 \(invalid role or secret ID\)/);
  server.roles.set('role', 'secret');
  server.leaseS = 300;
  await clock.turn(3000);
  const after = async (ms: number) => {
    server.asked.length = 0;
    await clock.turn(ms);
    t.is(await answerOf(vault), SECRET);
    return [...server.asked];
  };
  const login = 'POST /v1/auth/approle/login';
  t.deepEqual(await after(0), [login, READ]);
  t.deepEqual(await after(61_000), [READ], 'the token still lasts');
  t.deepEqual(await after(150_000), ['POST /v1/auth/token/renew-self', READ]);
  server.tokens.clear();
  t.deepEqual(await after(61_000), [READ, LOOK_UP, login, READ]);
  t.deepEqual(await after(400_000), [login, READ], 'the token has ended');
});

test('by AppRole: many questions at once share one login, and one that is denied costs none', async (t) => {
  const [server, clock] = [await openVaultServer(t), new VirtualClock()];
  const vault = open(server, byRole, clock);
  server.roles.set('role', 'secret');
  server.leaseS = 300;
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) server.secrets.set(`kv/${name}`, { k: SECRET });
  server.denied.push('/v1/kv/data/d');
  const answers = await Promise.all(names.map((name) => answerOf(vault, `vault:kv/${name}#k`)));
  t.deepEqual(answers.slice(0, 3), [SECRET, SECRET, SECRET]);
  t.regex(answers[3] ?? '', /Vault answered 403 \(permission denied\)/);
  t.is(server.asked.filter((each) => each === 'POST /v1/auth/approle/login').length, 1);
  t.is(server.asked.filter((each) => each === LOOK_UP).length, 1);
});

test('which addresses and logins are accepted', (t) => {
  for (const address of [
    'https://vault.example:8200',
    'https://10.0.0.1',
    'http://127.0.0.1:8200',
    'http://localhost:8200',
  ])
    t.true(isVaultAddress(address), address);
  for (const address of ['http://vault.example:8200', 'https://u:p@vault', 'https://vault/v1', 'vault', 'ftp://vault'])
    t.false(isVaultAddress(address), address);
  const files = { tokenFile: null, roleIdFile: null, secretIdFile: null, ca: null, namespace: null };
  const place = { address: 'https://vault', ...files, timeoutMs: 1, cacheMs: 1 };
  t.is(openVault({ ...place, address: null }, new VirtualClock()), null);
  t.throws(() => openVault(place, new VirtualClock()), { message: /needs a login: give vault_token_file, or/ });
  t.throws(() => openVault({ ...place, tokenFile: 'a', roleIdFile: 'b' }, new VirtualClock()), {
    message: /needs a login/,
  });
  t.truthy(openVault({ ...place, roleIdFile: 'a', secretIdFile: 'b' }, new VirtualClock()));
});

test('orders by a password of Vault: fetched when they need it; where Vault fails, nothing is sent', async (t) => {
  const [server, sim, folder] = [
    await openVaultServer(t),
    await newIpmiSim(t, { password: SECRET }),
    await newFolder(t),
  ];
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'hvs.file\n');
  server.tokens.add('hvs.file');
  server.secrets.set('kv/rack7/bmc', { password: SECRET });
  const settings = { vault_address: server.address, vault_token_file: tokenFile, vault_cache: 0 };
  const house = await openHouse(t, { here: true, settings });
  const { client } = house;
  await enrol(client, 'n1', 'ipmi', { ...infoOf(sim), ipmi_password: REFERENCE });
  t.like(await nodeNow(client, 'n1'), { powerState: 'ON', driverInfo: { ipmi_password: REFERENCE } });
  t.like(await untilAtRest(order(client, 'n1', 'OFF')), { state: 'SUCCEEDED' });
  server.tokens.clear();
  const failed = await untilAtRest(order(client, 'n1', 'ON'));
  t.like(failed, { state: 'FAILED', errorCode: 'SECRET_UNREADABLE' });
  t.regex(
    failed.errorMessage ?? '',
    /nothing was sent: driver_info.ipmi_password: vault:\S+ cannot be read: Vault answered 403/,
  );
  const driverInfo = { ipmi_address: '127.0.0.9', ipmi_username: REFERENCE };
  const says = /ipmi_username: file:, env: and vault: stand for secrets, and ipmi_username is none/;
  await refused(t, client.nodes.createNode({ name: 'n2', driver: 'ipmi', driverInfo }), {
    ...{ status: 'INVALID_ARGUMENT', code: 'DRIVER_INFO_INVALID' },
    says,
  });
  t.false([...house.conductor.logged.seen].join('\n').includes(SECRET));
});

/** TLS on the ports of a real conductor: commands, agents and HTTP over it, and certificates that change while streams run. */
import { once } from 'node:events';
import { copyFile, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { createClient } from 'nice-grpc';
import { openChannelTo } from '../../src/agent/secure_channel.ts';
import { makeInstallation } from '../../src/cli/certificates/make.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { fail } from '../../src/core/errors.ts';
import { NodeServiceDefinition } from '../../src/gen/countermand/v1/node.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { ALWAYS, newInstallation, writeInstallation } from '../counterparts/installation.ts';
import { openHouse } from './house.ts';
import { run, runHere } from './processes.ts';
import { Watch } from './watching.ts';

/** A conductor that speaks TLS, and the files that its clients need. */
async function openSecureHouse(t: ExecutionContext) {
  const host = ownAddress();
  const installation = await newInstallation(t, { hosts: [host, 'conductor.example'] });
  const settings = { tls_certificate: installation.file('server.pem'), tls_key: installation.file('server.key') };
  const house = await openHouse(t, { here: true, http: true, settings });
  return { host, house, installation, ca: installation.file('ca.pem') };
}

/** A client of the nodes that trusts this authority. */
function nodesOf(t: ExecutionContext, address: string, ca: string) {
  const channel = openChannelTo(address, { material: { own: null, ca }, serverName: null }, {});
  t.teardown(() => channel.close());
  return createClient(NodeServiceDefinition, channel);
}

test('commands speak TLS with a conductor, and say what is wrong if they cannot', async (t) => {
  const { house, ca } = await openSecureHouse(t);
  const other = await newInstallation(t, { hosts: ['127.0.0.1'] });
  const list = (...words: readonly string[]) => runHere(['node', 'list', '--conductor', house.address, ...words]);
  t.like(await list('--ca', ca), { exitCode: 0, stdout: 'no nodes' });
  t.like(await list('--ca', ca, '--server-name', 'conductor.example'), { exitCode: 0 });
  t.regex((await list()).stderr, /does not speak plaintext gRPC .*--ca FILE$/);
  t.regex(
    (await list('--ca', other.file('ca.pem'))).stderr,
    /^error: the certificate .* is not accepted \(.*--ca FILE/,
  );
  t.regex((await list('--ca', ca, '--server-name', 'other.example')).stderr, /is not accepted \(.*other\.example/);
  t.regex((await list('--ca', `${ca}.not`)).stderr, /^error: --ca: \S+\.not cannot be read \(ENOENT\)$/);
  t.regex((await list('--ca', ca, '--key', ca)).stderr, /^error: --certificate and --key go together/);
  const odd = join(await newFolder(t), "alice's own ca.pem");
  await copyFile(ca, odd);
  const { stderr } = await runHere(['node', 'show', 'n9', '--conductor', house.address, '--ca', odd]);
  const pasted = odd.replace("'", "'\\''");
  t.true(stderr.endsWith(`list them: countermand --conductor ${house.address} --ca '${pasted}' node list`), stderr);
  const plain = await openHouse(t, { here: true });
  t.regex((await runHere(['status', '--conductor', plain.address, '--ca', ca])).stderr, /does not speak TLS/);
});

test('a context remembers how its conductor is reached', async (t) => {
  const { house, ca } = await openSecureHouse(t);
  const variables = { XDG_CONFIG_HOME: await newFolder(t) };
  await runHere(['context', 'add', 'east', '--conductor', house.address, '--ca', ca], variables);
  t.like(await runHere(['node', 'list'], variables), { exitCode: 0, stdout: 'no nodes' });
  const byVariable = { COUNTERMAND_CONDUCTOR: house.address, COUNTERMAND_CA: ca };
  t.like(await runHere(['node', 'list'], byVariable), { exitCode: 0, stdout: 'no nodes' });
});

test('HTTP speaks TLS as well, and neither port an older version of it', async (t) => {
  const { host, house, installation } = await openSecureHouse(t);
  const [, port = ''] = /:(\d+)$/.exec(house.http) ?? [];
  const sent = request({ host, port, path: '/v1', ca: installation.made.ca.certificate }).end();
  const [response] = await once(sent, 'response');
  t.is(response.statusCode, 200);
  t.regex(String(await response.setEncoding('utf8').toArray()), /https:\/\//);
  // The services by Connect are behind the same server.
  const call = {
    method: 'POST',
    path: '/countermand.v1.NodeService/ListNodes',
    headers: { 'Content-Type': 'application/json' },
  };
  const [listed] = await once(
    request({ host, port, ca: installation.made.ca.certificate, ...call }).end('{}'),
    'response',
  );
  t.is(String(await listed.setEncoding('utf8').toArray()), '{}');

  const answered = async (at: number, version: SecureVersion): Promise<string> => {
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const socket = connectTls({
      host,
      port: at,
      minVersion: version,
      maxVersion: version,
      ciphers,
      rejectUnauthorized: false,
    });
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
    return Promise.race([once(socket, 'secureConnect').then(() => 'yes'), once(socket, 'close').then(() => 'no')]);
  };
  for (const at of [Number(port), Number(house.address.replace(/^.*:/, ''))]) {
    t.is(await answered(at, 'TLSv1.1').catch(() => 'no'), 'no');
    t.is(await answered(at, 'TLSv1.2'), 'yes');
    t.is(await answered(at, 'TLSv1.3'), 'yes');
  }
});

test('certificates change while streams run', async (t) => {
  const { host, house, installation } = await openSecureHouse(t);
  const old = nodesOf(t, house.address, installation.made.ca.certificate);
  const seen = new Watch(old.watchNodes({}));
  const create = (name: string) => old.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } });
  await create('n1');
  await seen.until('the first node', ({ node }) => node?.name === 'n1');

  // A new certificate without its key is no use yet.
  const next = await makeInstallation({ hosts: [host], client: 'alice', ...ALWAYS });
  await writeFile(installation.file('server.pem'), next.server.certificate);
  await house.conductor.logged.until('the half to be refused', (line) =>
    line.includes('those read before stay in use'),
  );
  await t.notThrowsAsync(nodesOf(t, house.address, installation.made.ca.certificate).listNodes({}));

  await writeInstallation(next, installation.file);
  await house.conductor.logged.until('the new files', (line) => line.includes('new TLS files are in use'));
  await t.notThrowsAsync(nodesOf(t, house.address, next.ca.certificate).listNodes({}));
  await t.throwsAsync(nodesOf(t, house.address, installation.made.ca.certificate).listNodes({}), {
    message: /self-signed certificate|unable to verify|signature failure/,
  });
  const [, port = ''] = /:(\d+)$/.exec(house.http) ?? [];
  const [response] = await once(request({ host, port, path: '/v1', ca: next.ca.certificate }).end(), 'response');
  t.is(response.resume().statusCode, 200);

  // The stream that began before has not ended, and its connection takes calls.
  await create('n2');
  await seen.until('the second node', ({ node }) => node?.name === 'n2');
});

test('an agent attaches over TLS, and uses new files when it attaches again', async (t) => {
  const { house, ca, installation } = await openSecureHouse(t);
  const wrong = await newInstallation(t, { hosts: ['127.0.0.1'] });
  const { terminal, interrupt, stderr } = openCaptured(false, { COUNTERMAND_CONDUCTOR: house.address });
  const words = ['agent', '--ca', wrong.file('ca.pem'), '--agent-name', 'apart', '--zone', 'north'];
  const ended = runCommandLine(words, terminal);
  t.teardown(() => interrupt.abort(fail('CALL_ENDED', 'the test is over')));
  await eventually('the agent to be refused', () => stderr().includes('"msg":"not attached"'));
  t.regex(stderr(), /self-signed certificate|unable to verify|signature failure/);
  await writeFile(wrong.file('ca.pem'), installation.made.ca.certificate);
  await eventually('the agent to be attached', () => stderr().includes('"msg":"attached"'));
  t.regex((await runHere(['agent', 'list', '--conductor', house.address, '--ca', ca])).stdout, /^apart .*north/m);
  interrupt.abort(fail('CALL_ENDED', 'stopped'));
  t.is(await ended, 0);
});

test('plaintext is for loopback: other addresses are refused at the start', async (t) => {
  const { file } = await newInstallation(t, { hosts: ['127.0.0.1'] });
  const data = await newFolder(t);
  const serve = (...flags: readonly string[]) => runHere(['serve', '--data', data, '--http-listen', 'none', ...flags]);
  t.regex(
    (await serve('--listen', '0.0.0.0:0')).stderr,
    /^error: listen is 0\.0\.0\.0:0, which other hosts reach, and in plaintext .*certificates init.*--insecure$/,
  );
  const half = await serve('--listen', '127.0.0.1:0', '--tls-certificate', file('server.pem'));
  t.is(half.stderr, 'error: tls_certificate and tls_key go together, and only one of them is given');
  const mixed = await serve('--tls-certificate', file('server.pem'), '--tls-key', file('client.key'));
  t.regex(mixed.stderr, /are no certificate with its key \(OpenSSL: .*mismatch/);
});

test('certificates init writes what a conductor and a client need, for their owner alone', async (t) => {
  const folder = `${await newFolder(t)}/tls`;
  const made = await run(t, ['certificates', 'init', folder, '--host', ownAddress(), '--client', 'bob']);
  t.is(made.exitCode, 0, made.stderr);
  for (const name of ['ca', 'server', 'client']) t.is((await stat(`${folder}/${name}.key`)).mode & 0o777, 0o600, name);
  const settings = { tls_certificate: `${folder}/server.pem`, tls_key: `${folder}/server.key` };
  const house = await openHouse(t, { here: true, settings });
  const how = ['--ca', `${folder}/ca.pem`, '--certificate', `${folder}/client.pem`, '--key', `${folder}/client.key`];
  t.like(await runHere(['node', 'list', '--conductor', house.address, ...how]), { exitCode: 0, stdout: 'no nodes' });
  const again = await runHere(['certificates', 'init', folder]);
  t.regex(again.stderr, /^error: .*ca\.pem exists; name another folder/);
});

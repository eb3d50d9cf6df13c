/** Who asks, with a real conductor: certificates, tokens and passwords over gRPC, HTTP and Connect, side by side. */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import test, { type ExecutionContext } from 'ava';
import bcrypt from 'bcryptjs';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { ClientError, createClient, Metadata, Status } from 'nice-grpc';
import { HealthDefinition } from 'nice-grpc-server-health';
import { ServerReflectionService } from 'nice-grpc-server-reflection';
import { openChannelTo } from '../../src/agent/secure_channel.ts';
import type { Made } from '../../src/cli/certificates/make.ts';
import { AgentServiceDefinition } from '../../src/gen/countermand/v1/agent.ts';
import { NodeServiceDefinition } from '../../src/gen/countermand/v1/node.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newInstallation } from '../counterparts/installation.ts';
import { openHouse } from './house.ts';
import { runHere } from './processes.ts';

const CERTIFICATE_KEY = 'countermand-client-certificate-bin';

/** A conductor that wants to know who asks. */
async function openKnowing(t: ExecutionContext) {
  const host = ownAddress();
  const { made, file } = await newInstallation(t, { hosts: [host] });
  const keys = await generateKeyPair('RS256', { extractable: true });
  await writeFile(file('issuer.pem'), await exportSPKI(keys.publicKey));
  await writeFile(file('htpasswd'), `alice:${bcrypt.hashSync('secret', 4)}\n`);
  const settings = {
    tls_certificate: file('server.pem'),
    tls_key: file('server.key'),
    tls_client_ca: file('ca.pem'),
    jwt_issuer: 'https://issuer.example',
    jwt_keys: file('issuer.pem'),
    htpasswd_file: file('htpasswd'),
  };
  const house = await openHouse(t, { here: true, http: true, settings });
  const tokenFor = (audience: string, expires: string) =>
    new SignJWT({ sub: 'alice' })
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer('https://issuer.example')
      .setAudience(audience)
      .setExpirationTime(expires)
      .sign(keys.privateKey);
  const channelOf = (own: Made | null) => {
    const tls = { material: { own, ca: made.ca.certificate }, serverName: null };
    const channel = openChannelTo(house.address, tls, {});
    t.teardown(() => channel.close());
    return channel;
  };
  return { host, house, made, file, tokenFor, channelOf, ca: made.ca.certificate };
}

type Knowing = Awaited<ReturnType<typeof openKnowing>>;

/** What a caller brings. */
interface Bringing {
  readonly own?: Made;
  readonly authorization?: string;
}

/** What each protocol answers to who brings this: gRPC's status, and the statuses of a route and of Connect. */
async function answersTo({ own, authorization }: Bringing, { house, channelOf, ca }: Knowing): Promise<string> {
  const metadata = Metadata(authorization === undefined ? {} : { authorization });
  const grpc = await createClient(NodeServiceDefinition, channelOf(own ?? null))
    .listNodes({}, { metadata })
    .then(() => 'OK')
    .catch((error: ClientError) => Status[error.code]);
  const [, hostname = '', port = ''] = /^http:\/\/(.*):(\d+)$/.exec(house.http) ?? [];
  const statusOf = async (method: string, path: string, body: string): Promise<number> => {
    const type = body === '' ? {} : { 'Content-Type': 'application/json' };
    const headers = { ...type, ...(authorization !== undefined && { authorization }) };
    const identity = own && { cert: own.certificate, key: own.key };
    const sent = request({ hostname, port, path, method, headers, ca, agent: false, ...identity }).end(body);
    const [response] = await once(sent, 'response');
    response.resume();
    if (response.statusCode === 401 && !/Basic .*Bearer/.test(response.headers['www-authenticate'] ?? '')) return 0;
    return response.statusCode;
  };
  const route = await statusOf('GET', '/v1/nodes', '');
  const connect = await statusOf('POST', '/countermand.v1.NodeService/ListNodes', '{}');
  return `${grpc} ${route} ${connect}`;
}

const LET_IN = 'OK 200 200';
const REFUSED = 'UNAUTHENTICATED 401 401';

test('one and the same caller is let in, or refused, by every protocol', async (t) => {
  const knowing = await openKnowing(t);
  const { host, made, tokenFor } = knowing;
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const foreign = (await newInstallation(t, { hosts: [host] })).made.client;
  const cases: readonly (readonly [what: string, bringing: Bringing, answers: string])[] = [
    ['nothing', {}, REFUSED],
    ['a certificate', { own: made.client }, LET_IN],
    ['the certificate of another authority', { own: foreign }, REFUSED],
    ['the certificate of the conductor', { own: made.server }, REFUSED],
    ['a token', { authorization: `Bearer ${await tokenFor('countermand', '10m')}` }, LET_IN],
    ['an expired token', { authorization: `Bearer ${await tokenFor('countermand', '-10m')}` }, REFUSED],
    ['a token for others', { authorization: `Bearer ${await tokenFor('other', '10m')}` }, REFUSED],
    ['a password', { authorization: basic('alice:secret') }, LET_IN],
    ['a wrong password', { authorization: basic('alice:wrong') }, REFUSED],
    ['a certificate and a wrong password', { own: made.client, authorization: basic('alice:wrong') }, REFUSED],
  ];
  for (const [what, bringing, answers] of cases) t.is(await answersTo(bringing, knowing), answers, what);
});

test('an expired certificate of the right authority is refused', async (t) => {
  const host = ownAddress();
  const { file } = await newInstallation(t, { hosts: [host] });
  const expired = await newInstallation(t, { hosts: [host], from: Date.UTC(2020, 0, 1), days: 400 });
  const settings = {
    tls_certificate: file('server.pem'),
    tls_key: file('server.key'),
    tls_client_ca: expired.file('ca.pem'),
  };
  const house = await openHouse(t, { here: true, settings });
  const how = [
    '--ca',
    file('ca.pem'),
    '--certificate',
    expired.file('client.pem'),
    '--key',
    expired.file('client.key'),
  ];
  const { stderr, exitCode } = await runHere(['node', 'list', '--conductor', house.address, ...how]);
  t.is(
    stderr,
    'error: the client certificate is not accepted (cert has expired); accepted: a client certificate, a token of this conductor',
  );
  t.is(exitCode, 5);
});

test('a certificate cannot be claimed, agents and reflection need one, and probes need nothing', async (t) => {
  const { house, channelOf, made, file } = await openKnowing(t);
  const channel = channelOf(null);
  const claim = Buffer.from(JSON.stringify({ name: 'CN=alice', validTo: Number.MAX_SAFE_INTEGER, problem: null }));
  const claimed = createClient(NodeServiceDefinition, channel).listNodes(
    {},
    { metadata: Metadata({ [CERTIFICATE_KEY]: claim }) },
  );
  t.is((await t.throwsAsync(claimed, { instanceOf: ClientError }))?.code, Status.UNAUTHENTICATED);
  const attach = async () => {
    for await (const _ of createClient(AgentServiceDefinition, channel).attach((async function* () {})())) t.fail();
  };
  t.is((await t.throwsAsync(attach, { instanceOf: ClientError }))?.code, Status.UNAUTHENTICATED);
  const reflect = async () => {
    for await (const _ of createClient(ServerReflectionService, channel).serverReflectionInfo(
      (async function* () {})(),
    ))
      t.fail();
  };
  t.is((await t.throwsAsync(reflect, { instanceOf: ClientError }))?.code, Status.UNAUTHENTICATED);
  t.is((await createClient(HealthDefinition, channel).check({ service: '' })).status, 1);
  const [, port = ''] = /:(\d+)$/.exec(house.http) ?? [];
  for (const path of ['/', '/v1', '/healthz', '/readyz', '/openapi.json']) {
    const sent = request({ host: ownAddress(), port, path, ca: made.ca.certificate, agent: false }).end();
    const [response] = await once(sent, 'response');
    t.is(response.resume().statusCode, 200, path);
  }
  const how = ['--ca', file('ca.pem'), '--certificate', file('client.pem'), '--key', file('client.key')];
  t.like(await runHere(['node', 'list', '--conductor', house.address, ...how]), { exitCode: 0, stdout: 'no nodes' });
});

test('what cannot work is refused at the start', async (t) => {
  const { file } = await newInstallation(t, { hosts: ['127.0.0.1'] });
  const data = file('data');
  const serve = async (...flags: readonly string[]) =>
    (await runHere(['serve', '--data', data, '--listen', '127.0.0.1:0', '--http-listen', 'none', ...flags])).stderr;
  t.regex(await serve('--tls-client-ca', file('ca.pem')), /^error: tls_client_ca is for connections over TLS/);
  t.regex(await serve('--jwt-issuer', 'x'), /^error: jwt_issuer and jwt_keys go together/);
  t.regex(await serve('--htpasswd-file', file('none')), /^error: \S+none cannot be read \(ENOENT\)$/);
  const tls = ['--tls-certificate', file('server.pem'), '--tls-key', file('server.key')];
  t.regex(
    await serve('--listen', '0.0.0.0:0', ...tls),
    /^error: listen is 0\.0\.0\.0:0, where others could give orders without authentication; give tls_client_ca, .*--insecure$/,
  );
});

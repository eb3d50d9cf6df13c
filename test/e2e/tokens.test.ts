/** Tokens with a real conductor: of clients, and of agents that are bound to zones. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ClientError, createClient, Metadata } from 'nice-grpc';
import { openChannelTo } from '../../src/agent/secure_channel.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { fail } from '../../src/core/errors.ts';
import { AgentServiceDefinition, type AttachRequest } from '../../src/gen/countermand/v1/agent.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newInstallation } from '../counterparts/installation.ts';
import { openHouse } from './house.ts';
import { runHere } from './processes.ts';

/** A conductor that wants to know who asks, and a person with a certificate. */
async function openKnowing(t: ExecutionContext) {
  const { made, file } = await newInstallation(t, { hosts: [ownAddress()] });
  const settings = {
    tls_certificate: file('server.pem'),
    tls_key: file('server.key'),
    tls_client_ca: file('ca.pem'),
  };
  const house = await openHouse(t, { here: true, http: true, settings });
  const here = { COUNTERMAND_CONDUCTOR: house.address, COUNTERMAND_CA: file('ca.pem') };
  const person = { ...here, COUNTERMAND_CERTIFICATE: file('client.pem'), COUNTERMAND_KEY: file('client.key') };
  const alice = (...words: readonly string[]) => runHere(words, person);
  /** Makes a token, and answers the file that it is in. */
  const tokenOf = async (...words: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await alice(...words);
    t.regex(stdout, /^countermand_[\w-]{43}$/, stderr);
    const name = file(`${words.at(-1)}.token`);
    await writeFile(name, `${stdout}\n`);
    return name;
  };
  const withToken = (token: string, ...words: readonly string[]) => runHere([...words, '--token-file', token], here);
  const httpStatus = async (token: string): Promise<number> => {
    const [, hostname = '', port = ''] = /^http:\/\/(.*):(\d+)$/.exec(house.http) ?? [];
    const headers = { 'X-Auth-Token': (await readFile(token, 'utf8')).trim() };
    const sent = request({ hostname, port, path: '/v1/nodes', headers, ca: made.ca.certificate, agent: false }).end();
    const [response] = await once(sent, 'response');
    return response.resume().statusCode;
  };
  return { house, made, file, here, alice, tokenOf, withToken, httpStatus };
}

/** Every byte of the data folder. */
async function stored(data: string): Promise<string> {
  const names = await readdir(data);
  return (await Promise.all(names.map((name) => readFile(join(data, name), 'latin1')))).join('');
}

test('a token is shown once, is who it names, and is accepted until it is revoked', async (t) => {
  const { house, alice, tokenOf, withToken, httpStatus } = await openKnowing(t);
  const token = await tokenOf('token', 'create', 'ci');
  t.like(await withToken(token, 'node', 'list'), { exitCode: 0, stdout: 'no nodes' });
  t.is(await httpStatus(token), 200);
  t.regex((await alice('token', 'list')).stdout, /^ci +client +good .*certificate:CN=alice$/m);
  t.false((await stored(house.data)).includes((await readFile(token, 'utf8')).trim()));
  t.like(await alice('token', 'create', 'ci'), { exitCode: 4 });
  t.regex((await alice('token', 'create', 'x', '--days', '4000')).stderr, /1 to 3650 days/);
  t.is((await alice('token', 'revoke', 'ci')).stdout, 'token ci: revoked');
  const refused = await withToken(token, 'node', 'list');
  t.regex(refused.stderr, /^error: the token ci was revoked; accepted: /);
  t.is(refused.exitCode, 5);
  t.is(await httpStatus(token), 401);
  t.regex((await alice('token', 'list')).stdout, /^ci +client +revoked/m);
  t.like(await alice('token', 'revoke', 'other'), { exitCode: 3 });
  const garbled = token.replace('ci.', 'garbled.');
  await writeFile(garbled, `countermand_${'A'.repeat(43)}`);
  t.regex((await withToken(garbled, 'node', 'list')).stderr, /this conductor has not made the token/);
});

test('a token is not sent where others can read it', async (t) => {
  const { file } = await newInstallation(t, { hosts: ['127.0.0.1'] });
  await writeFile(file('a.token'), 'secret');
  const how = ['--conductor', '192.0.2.1:7077', '--insecure', '--token-file', file('a.token')];
  t.regex(
    (await runHere(['node', 'list', ...how])).stderr,
    /^error: a token is not sent to 192\.0\.2\.1:7077 in plaintext/,
  );
  t.regex((await runHere(['agent', ...how])).stderr, /error: a token is not sent to 192\.0\.2\.1:7077 in plaintext/);
});

test('an agent attaches for its zones alone, calls nothing else, and is cut off with its token', async (t) => {
  const { house, made, here, alice, tokenOf, withToken, httpStatus } = await openKnowing(t);
  const north = await tokenOf('agent', 'token', 'create', '--zone', 'north', '--days', '7', 'rack-n');
  const { terminal, interrupt, stderr } = openCaptured(false, here);
  // A pipe, as of a password manager, can be read once only, and an agent shows its token at each attachment.
  const pipe = `${north}.pipe`;
  execFileSync('mkfifo', [pipe]);
  spawn('sh', ['-c', 'cat "$0" > "$1"', north, pipe], { stdio: 'ignore' });
  const ended = runCommandLine(['agent', '--token-file', pipe, '--zone', 'north'], terminal);
  t.teardown(() => interrupt.abort(fail('CALL_ENDED', 'the test is over')));
  await eventually('the agent to be attached', () => stderr().includes('"msg":"attached"'));

  // What it may not do with its token.
  t.regex((await withToken(north, 'node', 'list')).stderr, /agent:rack-n is an agent, and may not call .*ListNodes/);
  t.regex((await withToken(north, 'token', 'create', 'more')).stderr, /may not call .*CreateToken/);
  t.is(await httpStatus(north), 403);

  /** What is answered to an agent of a zone, with a token or a certificate. */
  const attach = async (
    zone: string,
    by: { readonly token?: string; readonly certificate?: boolean },
  ): Promise<string> => {
    const own = by.certificate ? made.client : null;
    const channel = openChannelTo(house.address, { material: { own, ca: made.ca.certificate }, serverName: null }, {});
    const metadata = Metadata(by.token === undefined ? {} : { authorization: `Bearer ${by.token}` });
    const drivers = [{ name: 'fake', driverInfoSchema: '{}', targets: [], recalls: [], softRebootInOneCommand: false }];
    const value = { agentUuid: `of-${zone}`, name: zone, zones: [zone], drivers, embedded: false };
    async function* messages(): AsyncGenerator<AttachRequest> {
      yield { message: { $case: 'hello', value } };
    }
    try {
      for await (const _ of createClient(AgentServiceDefinition, channel).attach(messages(), { metadata }))
        return 'attached';
      return 'ended';
    } catch (error) {
      return (error as ClientError).details;
    } finally {
      channel.close();
    }
  };
  const secret = (await readFile(north, 'utf8')).trim();
  t.is(await attach('south', { token: secret }), 'agent:rack-n cannot attach for zone south; its zones are north');
  t.regex(await attach('north', { token: secret }), /an agent with the identity agent:rack-n is attached already/);
  t.regex(await attach('north', { certificate: true }), /^certificate:CN=alice is no agent/);

  t.is((await alice('token', 'revoke', 'rack-n')).exitCode, 0);
  await eventually('the agent to be cut off', () => stderr().includes('the token rack-n was revoked; accepted'));
  t.regex((await alice('zone', 'list')).stdout, /^default /m);
  interrupt.abort(fail('CALL_ENDED', 'stopped'));
  t.is(await ended, 0);
});

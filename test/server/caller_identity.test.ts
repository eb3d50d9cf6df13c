/** Who asks, by what came with the request. */
import { Socket } from 'node:net';
import test from 'ava';
import { asCountermandError } from '../../src/core/errors.ts';
import { credentialsOf } from '../../src/http/caller.ts';
import { uriOf } from '../../src/server/access/certificate.ts';
import { anonymous, type Credentials } from '../../src/server/access/identity.ts';
import { withOnBehalfOf } from '../../src/server/access/on_behalf.ts';

for (const [peer, name] of [
  ['127.0.0.1:4000', 'anonymous@127.0.0.1'],
  ['127.0.0.1', 'anonymous@127.0.0.1'],
  ['ipv4:10.0.0.7:4000', 'anonymous@10.0.0.7'],
  ['[::1]:4000', 'anonymous@::1'],
  ['ipv6:[fe80::1]:4000', 'anonymous@fe80::1'],
  ['::1', 'anonymous@::1'],
  ['::ffff:10.0.0.7', 'anonymous@10.0.0.7'],
  ['[::ffff:10.0.0.7]:4000', 'anonymous@10.0.0.7'],
] as const)
  test(`a caller at ${peer} is the same one on every connection and over every protocol`, (t) => {
    t.deepEqual(anonymous({ peer }), { name, agentZones: 'any' });
  });

test('the token `notused` is none', (t) => {
  const tokenOf = (headers: Record<string, string>) =>
    credentialsOf(new Headers(headers), { socket: new Socket(), rawHeaders: [] }).token;
  t.is(tokenOf({}), null);
  t.is(tokenOf({ 'X-Auth-Token': 'notused' }), null);
  t.is(tokenOf({ 'X-Auth-Token': 'secret' }), 'secret');
});

test('a call that says by two headers who makes it is refused', (t) => {
  const read = (token: string) =>
    credentialsOf(new Headers({ Authorization: 'Basic x', 'X-Auth-Token': token }), {
      socket: new Socket(),
      rawHeaders: [],
    });
  t.throws(() => read('secret'), { message: /^Authorization and X-Auth-Token are both sent/ });
  t.is(read('notused').authorization, 'Basic x');
});

test('a header that says who calls, for whom, or which request it is, is not sent twice', (t) => {
  const socket = new Socket();
  const read = (...rawHeaders: string[]) => credentialsOf(new Headers(), { socket, rawHeaders });
  for (const name of [
    ...['Countermand-On-Behalf-Of', 'Countermand-X', 'Authorization', 'X-Auth-Token', 'Idempotency-Key', 'Host'],
    ...['X-Openstack-Request-Id', 'X-Request-Id', 'Origin'],
  ]) {
    const { code, message } = asCountermandError(
      t.throws(() => read(name, 'a', 'Accept', 'x', name.toLowerCase(), 'a')),
    );
    t.is(code, 'ARGUMENT_INVALID', name);
    t.regex(message, new RegExp(`^${name.toLowerCase()} is sent twice`));
  }
  t.notThrows(() => read('Accept', 'a', 'Accept', 'b', 'Cookie', 'a', 'Cookie', 'b', 'Authorization', 'Basic x'));
});

test('for whom a caller acts is one name, as it was sent; two that were merged are refused', async (t) => {
  const identify = withOnBehalfOf(async () => ({ name: 'basic:portal, jwt:x', agentZones: null }));
  const nothing: Credentials = { authorization: null, token: null, certificate: null, peer: '' };
  const said = (onBehalfOf: string) => identify({ ...nothing, onBehalfOf });
  for (const name of [
    ...['token:al', 'jwt:alice', 'jwt:auth0|12:3', 'basic:al bert', 'certificate:spiffe://x/alice'],
    ...['certificate:CN=alice smith', 'certificate:C=DE,O=Foo\\, Inc.,CN=alice smith', 'certificate:2.5.4.3=a'],
  ])
    t.is((await said(name)).onBehalfOf, name);
  for (const name of [
    ...['token:al, token:zzz', 'token:al,token:zzz', 'token:al, zzz', 'token:al,', 'token:al, ', ', token:al'],
    ...['jwt:al, zzz', 'jwt:al,zzz', 'basic:al, agent:x', 'certificate:CN=al, token:zzz', 'certificate:CN=al, CN=zzz'],
    ...['certificate:CN=al,zzz', 'certificate:CN=zzz\\, certificate:CN=al', 'certificate:CN=al\\,token:zzz'],
    ...['certificate:CN=al, anonymous@127.0.0.1', 'certificate:CN=al,CN=', 'certificate:CN=al,'],
    ...['', 'token:', 'token: al', ' token:al', 'token:al ', 'token:al\tx', 'Token:al', 'agent:x', 'jwt:\u00e4'],
  ]) {
    const { code, message } = asCountermandError(await t.throwsAsync(said(name), undefined, name));
    t.is(code, 'ARGUMENT_INVALID', name);
    t.regex(message, /^countermand-on-behalf-of: /);
  }
  t.is((await said('basic:portal, jwt:x')).onBehalfOf, undefined, 'its own name, whatever that is');
});

for (const [alternatives, uri] of [
  ['', null],
  ['DNS:a.example, IP Address:10.0.0.7', null],
  ['URI:spiffe://x/alice', 'spiffe://x/alice'],
  ['DNS:a.example, URI:spiffe://x/alice, URI:spiffe://x/bob', 'spiffe://x/alice'],
  // A name that pretends to be two stands in quotes.
  ['DNS:"a, URI:spiffe://x/root", URI:spiffe://x/alice', 'spiffe://x/alice'],
  ['DNS:"a\\", URI:spiffe://x/root"', null],
  ['URI:"urn:with,comma"', 'urn:with,comma'],
  ['no colon', null],
] as const)
  test(`the URI among the alternative names ${alternatives}`, (t) => {
    t.is(uriOf(alternatives), uri);
  });

/** Who asks, by what came with the request. */
import { Socket } from 'node:net';
import test from 'ava';
import { credentialsOf } from '../../src/http/caller.ts';
import { uriOf } from '../../src/server/access/certificate.ts';
import { anonymous } from '../../src/server/access/identity.ts';

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
  const tokenOf = (headers: Record<string, string>) => credentialsOf(new Headers(headers), new Socket()).token;
  t.is(tokenOf({}), null);
  t.is(tokenOf({ 'X-Auth-Token': 'notused' }), null);
  t.is(tokenOf({ 'X-Auth-Token': 'secret' }), 'secret');
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

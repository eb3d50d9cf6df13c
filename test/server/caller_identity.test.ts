/** Who asks, by what came with the request. */
import test from 'ava';
import { credentialsOf } from '../../src/http/caller.ts';
import { identityOf } from '../../src/server/access/identity.ts';

const NONE = { authorization: null, token: null };

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
    t.deepEqual(identityOf({ ...NONE, peer }), { name });
  });

test('the token `notused` is none', (t) => {
  const tokenOf = (headers: Record<string, string>) => credentialsOf(new Headers(headers), '::1').token;
  t.is(tokenOf({}), null);
  t.is(tokenOf({ 'X-Auth-Token': 'notused' }), null);
  t.is(tokenOf({ 'X-Auth-Token': 'secret' }), 'secret');
});

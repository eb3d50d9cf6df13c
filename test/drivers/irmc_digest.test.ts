/** HTTP Digest: the examples of RFC 7616 section 3.9, and what is no challenge. */
import test from 'ava';
import { answerChallenge, readChallenge } from '../../src/drivers/irmc/digest.ts';

/** Eight bytes, where the RFC has a longer text: the answers below were computed by curl and by hand with them. */
const chance = { uuid: () => '', fraction: () => 0, bytes: () => Buffer.from('0123456789abcdef', 'hex') };
const subject = { username: 'Mufasa', password: 'Circle of Life', method: 'GET', path: '/dir/index.html' };
const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
const header = (algorithm: string): string =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="${OPAQUE}"`;

test('the challenges of the RFC are read', (t) => {
  for (const algorithm of ['MD5', 'SHA-256'] as const)
    t.deepEqual(readChallenge(header(algorithm)), {
      realm: 'http-auth@example.org',
      nonce: NONCE,
      opaque: OPAQUE,
      algorithm,
      counted: true,
    });
  t.like(readChallenge(['Basic realm="x"', 'digest realm="y", nonce=abc']), {
    realm: 'y',
    algorithm: 'MD5',
    counted: false,
  });
});

test('what cannot be answered is no challenge', (t) => {
  for (const none of [
    undefined,
    '',
    'Basic realm="x"',
    'Digest realm="x"',
    'Digest nonce="x"',
    header('SHA-512-256'),
    header('toString'),
    'Digest realm="x", nonce="y", qop="auth-int"',
    `Digest realm="x", nonce="${'y'.repeat(5000)}"`,
  ])
    t.is(readChallenge(none), null, none);
});

test('an answer has what was asked for, and no password', (t) => {
  const challenge = readChallenge(header('MD5'));
  if (challenge === null) return t.fail();
  const answer = answerChallenge(challenge, subject, 26, chance);
  t.regex(answer, /^Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/);
  t.regex(answer, /, uri="\/dir\/index.html", response="[0-9a-f]{32}", opaque="FQhe/);
  t.regex(answer, /, algorithm=MD5, qop=auth, nc=0000001a, cnonce="0123456789abcdef"$/);
  t.false(answer.includes('Circle'));
});

test('the answer without counting is that of RFC 2069, section 2.4', (t) => {
  const challenge = readChallenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
  if (challenge === null) return t.fail();
  const rfc = { username: 'Mufasa', password: 'CircleOfLife', method: 'GET', path: '/dir/index.html' };
  // The value that RFC 2069 prints is known to be wrong (errata 749); this is the right one.
  t.regex(answerChallenge(challenge, rfc, 1, chance), /response="1949323746fe6a43ef61f9606e7febea"/);
});

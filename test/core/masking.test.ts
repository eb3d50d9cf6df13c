import test from 'ava';
import fc from 'fast-check';
import { MASK, maskIn } from '../../src/core/masking.ts';

const SECRET = 'pA&s<4f7Qz"w0rd';
const masks = test.macro({
  exec: (t, text: string) => t.is(maskIn(`before ${text} after`, [SECRET]), `before ${MASK} after`),
  title: (name) => `masked: ${name}`,
});
test('as it is', masks, SECRET);
test('in another case', masks, SECRET.toUpperCase());
test('in hexadecimal', masks, Buffer.from(SECRET).toString('hex'));
test('in upper-case hexadecimal', masks, Buffer.from(SECRET).toString('hex').toUpperCase());
test('in hexadecimal with blanks', masks, (Buffer.from(SECRET).toString('hex').match(/../g) ?? []).join(' '));
test('in hexadecimal with colons', masks, (Buffer.from(SECRET).toString('hex').match(/../g) ?? []).join(':'));
test('escaped for a URL', masks, encodeURIComponent(SECRET));
test('escaped for XML', masks, 'pA&amp;s&lt;4f7Qz&quot;w0rd');
test('escaped for JSON', masks, JSON.stringify(SECRET).slice(1, -1));

test('a login in base64 does not give the secret away, wherever in it the secret stands', (t) => {
  const texts = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(texts, fc.string({ minLength: 8, maxLength: 20 }), texts, (user, secret, rest) => {
      for (const form of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(`${user}:${secret}${rest}`).toString(form);
        const masked = maskIn(`Authorization: Basic ${encoded}`, [secret]);
        const left = masked
          .split(MASK)
          .map((part) => Buffer.from(part.replace(/.*Basic /, ''), 'base64').toString('latin1'));
        // What is left on either side may hold at most the bits next to the cut.
        if (left.some((part) => part.includes(Buffer.from(secret).toString('latin1').slice(2, -2)))) return false;
      }
      return true;
    }),
  );
  t.pass();
});

test('texts without a secret, and secrets that are too short to be found, change nothing', (t) => {
  t.is(maskIn('the BMC refuses the login', ['ab', '']), 'the BMC refuses the login');
  t.is(maskIn('the BMC is silent', [SECRET]), 'the BMC is silent');
});

import test from 'ava';
import fc from 'fast-check';
import { MASK, maskIn } from '../../src/core/masking.ts';

const SECRET = 'pA&s<4f7Qz"w0rd';
const hexOf = (text: string): string[] => Buffer.from(text).toString('hex').match(/../g) ?? [];
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

test(
  'escaped for a URL, every character',
  masks,
  [...Buffer.from(SECRET)].map((byte) => `%${byte.toString(16)}`).join(''),
);
test('escaped for a URL, twice', masks, encodeURIComponent(encodeURIComponent(SECRET)));
test(
  'escaped for XML by numbers',
  masks,
  SECRET.replace(/\W/g, (character) => `&#${character.charCodeAt(0)};`),
);
test(
  'escaped for XML by hexadecimal numbers',
  masks,
  SECRET.replace(/\W/g, (character) => `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`),
);
test('escaped for XML, twice', masks, 'pA&amp;amp;s&amp;lt;4f7Qz&amp;quot;w0rd');
test(
  'escaped for JSON by numbers',
  masks,
  [...SECRET].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
);
test('escaped for JSON within JSON', masks, JSON.stringify(JSON.stringify(SECRET)).slice(3, -3));
test(
  'quoted for a shell',
  masks,
  SECRET.replace(/\W/g, (character) => `\\${character}`),
);
test('in hexadecimal as a program writes it', masks, [...hexOf(SECRET)].map((byte) => `0x${byte}`).join(', '));
test('in hexadecimal after backslashes', masks, [...hexOf(SECRET)].map((byte) => `\\x${byte}`).join(''));

/** What libraries make of characters that a secret may have. */
const LIBRARIES: readonly (readonly [secret: string, spelling: string])[] = [
  ['p\u00e4ss w\u00f6rd!', 'p\\u00e4ss w\\u00f6rd!'],
  ['p\u00e4ss w\u00f6rd!', 'p%C3%A4ss+w%C3%B6rd%21'],
  ['p\u00e4ss w\u00f6rd!', 'p&#228;ss w&#xF6;rd!'],
  ['k\u{1f511}ey', 'k\\ud83d\\udd11ey'],
  ["it's~(me)*", 'it%27s%7E%28me%29%2A'],
  ['dom\\user\\x', 'dom\\\\user\\\\x'],
  ['dom\\user\\x', 'dom%5Cuser%5Cx'],
  ['one/two', 'one\\/two'],
  ['two\nlines', 'two\\nlines'],
];

test('spellings of libraries', (t) => {
  for (const [secret, spelling] of LIBRARIES) t.is(maskIn(`<${spelling}>`, [secret]), `<${MASK}>`, spelling);
});

test('in base64 that is broken into lines', (t) => {
  const secret = 'a secret that is longer than one line of base64 has room for, as those of MIME have 76';
  const lines = Buffer.from(`user:${secret}`).toString('base64').replace(/.{20}/g, '$&\r\n');
  const left = maskIn(lines, [secret]).split(MASK);
  for (const part of left) t.true(part.length < 12, part);
});

test('a secret of any length and any characters is found, and no text makes the search long', (t) => {
  fc.assert(
    fc.property(fc.string({ minLength: 3, maxLength: 40, unit: 'grapheme' }), (secret) => {
      for (const text of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
        if (maskIn(`<${text}>`, [secret]) !== `<${MASK}>`) return false;
      return true;
    }),
  );
  const long = 'x&\\%'.repeat(1024);
  t.is(maskIn(long, [long]).replaceAll(MASK, ''), '');
  for (const part of ['\\', '&', '%', '&amp;', '%25', 'ab', ' ', '+'])
    t.is(maskIn(part.repeat(500), [`${part.repeat(20)}z`]), part.repeat(500));
});

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

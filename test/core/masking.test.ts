import test from 'ava';
import fc from 'fast-check';
import { MASK, maskIn, quoted } from '../../src/core/masking.ts';

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

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const octal = (text: string): string => [...Buffer.from(text)].map((byte) => `\\${byte.toString(8)}`).join('');
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const LOGIN = 'admin:pA&s<4f7Qz"w0rd~~?>>';
/** Base64 of it has a plus sign and padding. */
const WITH_SIGNS = 'user:\u00fb\u00ef\u00be pass>>>word?';

/** What a server makes of a login that it repeats: name, secret and text. */
const REPEATED: readonly (readonly [name: string, secret: string, text: string])[] = [
  ['base64, percent-encoded', WITH_SIGNS.slice(5), encodeURIComponent(base64(WITH_SIGNS))],
  ['base64, percent-encoded twice', LOGIN.slice(6), encodeURIComponent(encodeURIComponent(base64(LOGIN)))],
  [
    'base64, every sign of it percent-encoded',
    LOGIN.slice(6),
    base64(LOGIN).replace(/./g, (sign) => `%${sign.charCodeAt(0).toString(16)}`),
  ],
  ['base64 twice', LOGIN.slice(6), base64(base64(LOGIN))],
  ['base64 twice, broken into lines', LOGIN.slice(6), base64(base64(LOGIN)).replace(/.{10}/g, '$&\r\n')],
  ['base64 of UTF-16', LOGIN.slice(6), base64(utf16(LOGIN))],
  ['base64 of UTF-16, big-endian', LOGIN.slice(6), base64(utf16(LOGIN).swap16())],
  ['base64 twice, of UTF-16', LOGIN.slice(6), base64(base64(utf16(LOGIN)))],
  ['base64 of UTF-16 beyond Latin', '\u5bc6\u7801\u5bc6\u7801!', base64(utf16('x:\u5bc6\u7801\u5bc6\u7801!'))],
  ['hexadecimal of UTF-16', LOGIN.slice(6), utf16(LOGIN).toString('hex')],
  ['hexadecimal of base64', LOGIN.slice(6), Buffer.from(base64(LOGIN)).toString('hex')],
  ['base64 with blanks', LOGIN.slice(6), base64(LOGIN).replace(/.{7}/g, '$& ')],
  ['base64 with line ends and indents', LOGIN.slice(6), base64(LOGIN).replace(/.{7}/g, '$&\n    ')],
  ['base64 with escaped line ends', LOGIN.slice(6), base64(LOGIN).replace(/.{7}/g, '$&\\r\\n')],
  ['base64 with line ends escaped twice', LOGIN.slice(6), base64(LOGIN).replace(/.{7}/g, '$&\\\\n')],
  ['base64 with the line ends of mail', LOGIN.slice(6), base64(LOGIN).replace(/.{7}/g, '$&=\r\n')],
  ['base64 of JSON', LOGIN.slice(6), base64(JSON.stringify({ UserName: 'admin', Password: LOGIN.slice(6) }))],
  ['octal', LOGIN.slice(6), octal(LOGIN)],
  ['octal, in JSON', LOGIN.slice(6), JSON.stringify(octal(LOGIN))],
  [
    'quoted-printable',
    LOGIN.slice(6),
    [...Buffer.from(LOGIN)].map((byte) => `=${byte.toString(16).toUpperCase()}`).join(''),
  ],
  ['quoted-printable, broken into lines', LOGIN.slice(6), LOGIN.replace(/.{9}/g, '$&=\n')],
  ['Latin-1, percent-encoded', 'p\u00e4ssw\u00f6rd', 'p%e4ssw%F6rd'],
];

test('a login that is repeated in the spelling of another library', (t) => {
  for (const [name, secret, text] of REPEATED) {
    const masked = maskIn(`{"error": "400 for user ${text}, see the log"}`, [secret]);
    t.true(masked.includes(MASK), `${name}: ${masked}`);
    // At either end the bits next to the cut may be left.
    t.true(masked.length <= `{"error": "400 for user , see the log"}`.length + MASK.length + 50, `${name}: ${masked}`);
    t.regex(masked, /^\{"error": "400 .*see the log"\}$/s, name);
  }
});

/** How many steps it takes. */
function stepsOf(text: string, secrets: readonly string[]): number {
  let steps = 0;
  maskIn(text, secrets, () => {
    steps += 1;
  });
  return steps;
}

test('twice the text is twice the work, whatever the text is', (t) => {
  const atoms = [
    '\\',
    '\\\\',
    '&',
    '&amp;',
    '&#',
    '%',
    '%25',
    '%2',
    '=',
    '=\n',
    '+',
    '0',
    '0x',
    '4141',
    'QUFB',
    ' ',
    '\n',
    'a',
    'aab',
    '\0',
    '\u00e9',
  ];
  const secrets = ['aaaaaaab', '\\\\\\x', '%25%25%25z', '&amp;&amp;z', 'AAAAAAAAAAAAB'];
  const check = (part: string, secret: string): void => {
    const text = part.repeat(Math.ceil(1024 / part.length));
    const [once, twice] = [stepsOf(text, [secret]), stepsOf(text + text, [secret])];
    t.true(twice <= 2.1 * once + 500, `${JSON.stringify(part)}: ${once} and ${twice} steps`);
    t.true(once <= 150 * text.length, `${JSON.stringify(part)}: ${once} steps`);
  };
  for (const atom of atoms) for (const secret of secrets) check(atom, secret);
  const parts = fc.array(fc.constantFrom(...atoms), { minLength: 1, maxLength: 12 }).map((all) => all.join(''));
  fc.assert(
    fc.property(parts, fc.constantFrom(...secrets), (part, secret) => check(part, secret)),
    { numRuns: 25 },
  );
});

test('a text is cut before it is searched, and a secret that begins there is masked', (t) => {
  const most = stepsOf('\\'.repeat(5000), [SECRET]);
  t.is(stepsOf('\\'.repeat(4 * 2 ** 20), [SECRET]), most);
  for (const spelling of [SECRET, encodeURIComponent(SECRET), base64(`x:${SECRET}`), octal(SECRET)])
    for (let shown = 24; shown < spelling.length; shown += 5) {
      const masked = maskIn(`${'.'.repeat(4096 - shown)}${spelling} and more`, [SECRET]);
      t.true(masked.endsWith(`${MASK}...`), `${spelling} ${shown}: ${masked.slice(-40)}`);
      t.true(masked.length < 4096 + 20);
    }
});

test('what a BMC says is quoted without a secret, without what acts in a terminal, and not at length', (t) => {
  t.is(quoted(`  a \u001b[31m\n\tb ${SECRET}`, [SECRET], 100), `a [31m b ${MASK}`);
  const long = quoted(`${'x'.repeat(190)}${SECRET}`, [SECRET], 200);
  t.is(long, `${'x'.repeat(190)}${MASK}`);
  t.is(quoted(`${'x'.repeat(195)}${SECRET}`, [SECRET], 200), `${'x'.repeat(195)}**...`);
});

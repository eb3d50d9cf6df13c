/** docs/redfish.md: each quirk of a real BMC has a test that exists, or a sentence that says why it has none. */
import { readFileSync } from 'node:fs';
import test from 'ava';

const QUIRKS = 54;
const PAGE = readFileSync(new URL('../../docs/redfish.md', import.meta.url), 'utf8');

/** The titles of a file of tests, as they stand in its source: `${...}` is what differs from test to test. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/\btest(?:\.serial)?\(\s*(['`])(.*?)\1\s*,/gs)].map(([, , title = '']) => title);
}

/** What stands for the parts of a title that differ; null if the title is another. */
function partsOf(title: string, template: string): string[] | null {
  const literal = template.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('(.+)')}$`).exec(title)?.slice(1) ?? null;
}

/** True if a source has a test with this title: what differs in it comes from words of the source. */
function hasTest(source: string, title: string): boolean {
  const isKnown = (part: string): boolean => part.split(/[\s,"]+/).every((word) => source.includes(word));
  return titlesIn(source).some((template) => partsOf(title, template)?.every(isKnown) === true);
}

const rows = PAGE.split('\n').flatMap((line) => {
  const [, number, bmc, quirk, answer, shown] = /^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$/.exec(line) ?? [];
  return number === undefined ? [] : [{ number, bmc, quirk, answer, shown: shown ?? '' }];
});

test(`each of the ${QUIRKS} quirks has a row`, (t) => {
  t.deepEqual(
    rows.map(({ number }) => Number(number)),
    Array.from({ length: QUIRKS }, (_, at) => at + 1),
  );
});

for (const { number, bmc, quirk, shown } of rows)
  test(`quirk ${number}, ${bmc}: ${quirk}`, (t) => {
    if (shown === 'none') return t.pass();
    const [, file, title = ''] = /^`([\w/]+)`: (.+)$/.exec(shown) ?? [];
    t.not(file, undefined, shown);
    const source = readFileSync(new URL(`../${file}.test.ts`, import.meta.url), 'utf8');
    t.true(hasTest(source, title), `test/${file}.test.ts has no test '${title}'`);
  });

test('a test that does not exist is found', (t) => {
  const source = [
    'for (const word of [`On`, `Off`]) test(`PowerState $',
    "{word}`, (t) => t.pass());\ntest('one', (t) => t.pass());",
  ].join('');
  t.true(hasTest(source, 'one'));
  t.true(hasTest(source, 'PowerState Off'));
  t.false(hasTest(source, 'PowerState Paused'));
  t.false(hasTest(source, 'two'));
});

/** Every link of the documentation leads somewhere, and every decision is in the index. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findPaths, ROOT, readTexts } from '../tidy/sources.ts';
import { wrongDecisions } from './decisions.ts';
import { anchorsOf, brokenLinks, localLinks } from './links.ts';

const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'src/**/*.md'];

test('the links of README, docs and examples lead somewhere', (t) => {
  t.true(findPaths(PAGES).length > 0);
  t.deepEqual(
    brokenLinks(readTexts(PAGES), (path) => existsSync(join(ROOT, path))),
    [],
  );
});

/** The paths of TypeScript files that a page names, with a folder. A path begins in the repository or in src. */
const namedFiles = (text: string): string[] =>
  [...text.matchAll(/`([\w-]+(?:\/[\w-]+)+\.ts)`/g)].map(([, path = '']) => path);

test('every TypeScript file that a page names exists', (t) => {
  t.deepEqual(namedFiles('`a/b.ts` and `b.ts`, a/c.ts, `src/a/b_c.ts`'), ['a/b.ts', 'src/a/b_c.ts']);
  const exists = (path: string): boolean => ['', 'src'].some((folder) => existsSync(join(ROOT, folder, path)));
  const missing = Object.entries(readTexts(PAGES)).flatMap(([page, text]) =>
    namedFiles(text).flatMap((path) => (exists(path) ? [] : [`${page}: ${path}`])),
  );
  t.deepEqual(missing, []);
});

test('links are found in prose only, and to other sites not', (t) => {
  const text =
    '[a](b.md) ![c](d.png "title") [e](https://f.example) `[g](h.md)`\n```\n[i](j.md)\n```\n[k]: l.md\n[m](<n.md>)';
  t.deepEqual(localLinks(text), ['b.md', 'd.png', 'n.md', 'l.md']);
});

test('anchors are the headings as GitHub writes them', (t) => {
  t.deepEqual(anchorsOf('# A `code` & more\n\n## Twice\n\n## Twice\n```\n# not\n```'), [
    'a-code--more',
    'twice',
    'twice-1',
  ]);
});

test('broken links are told', (t) => {
  const pages = {
    'README.md': '[a](docs/a.md) [b](docs/gone.md) [c](docs/a.md#there) [d](docs/a.md#gone) [e](src/) [f](#top)\n# Top',
    'docs/a.md': '# There\n[back](../README.md) [sideways](b.md)',
  };
  const broken = ['README.md: docs/gone.md', 'README.md: docs/a.md#gone', 'docs/a.md: b.md'];
  t.deepEqual(
    brokenLinks(pages, (path) => path === 'src/'),
    broken,
  );
});

test('every decision has a status and a date, and its line in the index', (t) => {
  const pages = readTexts(['docs/decisions/*.md']);
  t.true(Object.keys(pages).length > 100);
  t.deepEqual(wrongDecisions(pages), []);
});

/** A page of a decision. */
const decision = (title: string, ...fields: string[]): string =>
  `# ${title}\n\n${fields.map((field) => `* ${field}\n`).join('')}\nBecause.\n`;

test('decisions without status, date, index or a link back are told', (t) => {
  const back = 'Replaces: [Old](001_old.md)';
  const good = {
    'd/README.md': [
      '| 001 | [Old](001_old.md) | 2026-01-01 | replaced by [002](002_new.md) |',
      '| 002 | [New](002_new.md) | 2026-01-02 | in force |',
    ].join('\n'),
    'd/001_old.md': decision('Old', 'Status: replaced by [New](002_new.md)', 'Date: 2026-01-01'),
    'd/002_new.md': decision('New', 'Status: in force', 'Date: 2026-01-02', back),
  };
  t.deepEqual(wrongDecisions(good), []);
  const wrongWith = (path: string, text: string) => wrongDecisions({ ...good, [path]: text });
  const form = "d/002_new.md: begins with '# TITLE', '* Status: in force|replaced by LINK', '* Date: YYYY-MM-DD'";
  t.deepEqual(wrongWith('d/002_new.md', decision('New', 'Date: 2026-01-02', back)), [form]);
  t.deepEqual(wrongWith('d/002_new.md', decision('New', 'Status: in force', back)), [form]);
  t.deepEqual(wrongWith('d/002_new.md', decision('New', 'Status: in force', 'Date: 2026-01-02')), [
    "d/001_old.md: 002_new.md does not say '* Replaces: [Old](001_old.md)'",
  ]);
  t.deepEqual(wrongWith('d/004_more.md', decision('More', 'Status: in force', 'Date: 2026-01-03')), [
    'd/004_more.md: the next number is 003',
    "d/README.md: line 3 of the table is not '| 004 | [More](004_more.md) | 2026-01-03 | in force |'",
  ]);
  t.deepEqual(
    wrongWith('d/README.md', `${good['d/README.md']}\n| 003 | [Gone](003_gone.md) | 2026-01-03 | in force |`),
    ['d/README.md: the table has 3 lines for 2 pages'],
  );
});

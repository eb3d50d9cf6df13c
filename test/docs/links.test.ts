/** Every link of the documentation leads somewhere. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { findPaths, ROOT, readTexts } from '../tidy/sources.ts';
import { anchorsOf, brokenLinks, localLinks } from './links.ts';

const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md'];

test('the links of README and docs lead somewhere', (t) => {
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

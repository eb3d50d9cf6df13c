/** The docs site: which pages it has, and where its links lead. `npm run site` builds it, and looks at what was built. */
import test from 'ava';
import {
  faultsOf,
  filePage,
  folderPage,
  linkedFrom,
  NAVIGATION,
  PAGES,
  placeOf,
  sidebar,
  sitePage,
} from '../../scripts/site/pages.ts';
import { findPaths, readTexts } from '../tidy/sources.ts';

test('every page of docs is in the sidebar, once, and every line of the sidebar is a page', (t) => {
  const docs = findPaths(['docs/**/*.md']).filter((path) => !path.startsWith('docs/decisions/'));
  t.deepEqual(
    docs.filter((path) => !PAGES.includes(path)),
    [],
  );
  t.is(new Set(PAGES).size, PAGES.length);
  t.deepEqual(Object.keys(readTexts(PAGES)).toSorted(), PAGES.toSorted());
});

test('the sidebar calls pages what their headings say, and has the decisions in their order', (t) => {
  const titles = Object.fromEntries(PAGES.map((path) => [path, `# Of \`${path}\`\n`]));
  const decisions = {
    'docs/decisions/002_b.md': '# B',
    'docs/decisions/001_a.md': '# A',
    'docs/decisions/README.md': '# All',
  };
  const groups = sidebar({ ...titles, ...decisions });
  t.deepEqual(
    groups.map(({ text }) => text),
    [...Object.keys(NAVIGATION), 'All'],
  );
  t.like(groups[0]?.items?.[0], { text: 'Of docs/first_ten_minutes.md', link: '/docs/first_ten_minutes' });
  t.like(groups.at(-1), { link: '/docs/decisions/', collapsed: true });
  t.deepEqual(
    groups.at(-1)?.items?.map(({ text, link }) => [text, link]),
    [
      ['A', '/docs/decisions/001_a'],
      ['B', '/docs/decisions/002_b'],
    ],
  );
});

test('links lead to where pages, files and folders stand in the site; code and other sites are left alone', (t) => {
  const text = [
    '[a](glossary.md#node) [b](../README.md) [c](../src/a.ts) [d](../proto) [e](#here)',
    '[f](https://f.example/x.md) `[g](../README.md)` ![h](console/h.png) [i](../LICENSE)',
    '```\n[j](../README.md)\n```',
  ].join('\n');
  const wanted = [
    '[a](./glossary.md#node) [b](../index.md) [c](../src/a.ts.md) [d](../proto/index.md) [e](#here)',
    '[f](https://f.example/x.md) `[g](../README.md)` ![h](./console/h.png) [i](../LICENSE.txt)',
    '```\n[j](../README.md)\n```',
  ].join('\n');
  t.is(
    sitePage('docs/http.md', text, (path) => path === 'proto'),
    wanted,
  );
  const linked = ['docs/glossary.md', 'README.md', 'src/a.ts', 'proto', 'docs/console/h.png', 'LICENSE'];
  t.deepEqual(linkedFrom('docs/http.md', text), linked);
  t.is(placeOf('docs/operations/README.md'), 'docs/operations/index.md');
});

test('files and folders become pages', (t) => {
  t.regex(filePage('src/a.ts', 'const a = 1;'), /search: false[\s\S]*# a\.ts[\s\S]*~~~~ts\nconst a = 1;\n~~~~/);
  const page = '# proto/v1\n\n* [a.proto](a.proto.md)\n* [b.proto](b.proto.md)\n';
  t.is(folderPage('proto/v1', ['proto/v1/b.proto', 'proto/v1/a.proto', 'proto/other.proto']), page);
});

test('links of built pages that lead nowhere are told, and what is loaded from elsewhere', (t) => {
  const built = {
    'index.html':
      '<a href="/docs/a.html#one">a</a> <a href="/docs/">docs</a> <a class="x" href="https://x.example">x</a>',
    'docs/index.html': '<a href="a.html">a</a> <a href="./a">a</a> <a href="../openapi.json">o</a>',
    'docs/a.html': '<h2 id="one">One</h2> <a href="#one">one</a> <script src="/assets/app.js"></script>',
  };
  const exists = (path: string): boolean => path === 'openapi.json';
  t.deepEqual(faultsOf(built, exists), []);
  const wrong =
    '<a href="#gone">a</a> <a href="/b.html">b</a> <a href="a.html#two">c</a> <img src="//cdn.example/d.png">';
  const faults = ['#gone', '/b.html', 'a.html#two', '//cdn.example/d.png'].map((to) => `docs/b.html: ${to}`);
  t.deepEqual(faultsOf({ ...built, 'docs/b.html': wrong }, exists), faults);
});

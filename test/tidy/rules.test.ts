/** The rules themselves, on samples: each must find what is bad and leave alone what is good. */
import test from 'ava';
import { realTime } from './clocks.ts';
import { type Banned, bannedNames, switchedOffTests, tooLong, undocumentedExports } from './code.ts';
import { crossedLayers, deadFiles, emptyHomes, importCycles, strayPackages } from './imports.ts';
import { finds, placesOf, type Rule } from './sample.ts';
import { parseSources } from './sources.ts';
import { leftovers, unquotedGlobs, vagueFolders } from './texts.ts';

const LAYERS = { core: [], drivers: ['core'], sim: ['core', 'drivers/wire'] };
const layers: Rule = (sources) => crossedLayers(sources, LAYERS, { 'package.json': ['src/drivers/a.ts'] });
test(
  'layers: from below, and beside',
  finds,
  layers,
  {
    'src/drivers/a.ts': "import { x } from '../core/x.ts';\nimport { b } from './b.ts';",
    'src/sim/a.ts': "import { w } from '../drivers/wire/w.ts';",
    'test/any.ts': "import { a } from '../src/drivers/a.ts';",
  },
  [],
);
test(
  'layers: from above, in every way to import',
  finds,
  layers,
  {
    'src/core/a.ts': [
      "import { x } from '../drivers/x.ts';",
      "import type { Y } from '../drivers/y.ts';",
      "export * from '../drivers/z.ts';",
      "const late = () => import('../drivers/w.ts');",
      "import '../drivers/v.ts';",
    ].join('\n'),
    'src/sim/b.ts': "import { d } from '../drivers/driver.ts';",
  },
  ['src/core/a.ts:1', 'src/core/a.ts:2', 'src/core/a.ts:3', 'src/core/a.ts:4', 'src/core/a.ts:5', 'src/sim/b.ts:1'],
);
test(
  'layers: a file outside src, from its home only',
  finds,
  layers,
  {
    'src/drivers/a.ts': "import manifest from '../../package.json' with { type: 'json' };",
    'src/drivers/b.ts': "import manifest from '../../package.json' with { type: 'json' };",
  },
  ['src/drivers/b.ts:1'],
);
test(
  'layers: a folder that is not in the table may import nothing',
  finds,
  layers,
  {
    'src/extra/a.ts': "import { x } from '../core/x.ts';",
  },
  ['src/extra/a.ts:1'],
);

const HOMES = { knex: ['src/store/'], 'node:fs': ['src/store/database.ts'], '@scope/part': ['src/store/'] };
const homes: Rule = (sources) => strayPackages(sources, HOMES);
test(
  'packages: at home',
  finds,
  homes,
  {
    'src/store/database.ts':
      "import knex from 'knex';\nimport { readFileSync } from 'node:fs';\nimport '@scope/part/inside';",
    'test/a.ts': "import knex from 'knex';",
  },
  [],
);
test(
  'packages: away, and homeless',
  finds,
  homes,
  {
    'src/store/other.ts': "import { readFileSync } from 'node:fs';\nimport { promises } from 'node:fs/promises';",
    'src/a.ts': "import type { Knex } from 'knex';\nimport left from 'left-pad';",
  },
  ['src/store/other.ts:1', 'src/store/other.ts:2', 'src/a.ts:1', 'src/a.ts:2'],
);
test('packages: a home that is empty', (t) => {
  const sources = parseSources({ 'src/store/a.ts': "import knex from 'knex';\nimport '@scope/part';" });
  t.deepEqual(
    emptyHomes(sources, HOMES).map(({ says }) => says),
    ['nobody imports node:fs; take its home away'],
  );
});

test(
  'circles: none in a tree',
  finds,
  importCycles,
  {
    'src/a.ts': "import './b.ts';\nimport './c.ts';",
    'src/b.ts': "import './c.ts';",
    'src/c.ts': '',
  },
  [],
);
test(
  'circles: of three, and of one',
  finds,
  importCycles,
  {
    'src/a.ts': "import './b.ts';",
    'src/b.ts': "import './c.ts';",
    'src/c.ts': "\nimport './a.ts';",
    'src/d.ts': "import './d.ts';",
  },
  ['src/c.ts:2', 'src/d.ts:1'],
);

test(
  'dead files: used by a test only, or by nobody',
  finds,
  (sources) => deadFiles(sources, ['src/main.ts']),
  {
    'src/main.ts': "import './used.ts';",
    'src/used.ts': '',
    'src/tested.ts': '',
    'src/forgotten.ts': '',
    'test/a.ts': "import '../src/tested.ts';",
  },
  ['src/tested.ts:1', 'src/forgotten.ts:1'],
);

const BANNED: readonly Banned[] = ['Date.now', 'new Date', 'setTimeout', 'process.env', 'console'].map((name) => ({
  name,
  homes: ['src/clock.ts'],
  instead: 'something else',
}));
const banned: Rule = (sources) => bannedNames(sources, BANNED, ['src/']);
test(
  'banned names: in every disguise',
  finds,
  banned,
  {
    'src/a.ts': [
      'const a = Date.now();',
      'const b = globalThis.Date.now();',
      "const c = Date['now']();",
      'const { now } = Date;',
      'const { env: e } = process;',
      'const d = new Date();',
      'const f = [1].map(setTimeout);',
      "import { setTimeout as wait } from 'node:timers/promises';",
      'console.log(1);',
      'function g(later = setTimeout) {}',
    ].join('\n'),
  },
  Array.from({ length: 10 }, (_, index) => `src/a.ts:${index + 1}`),
);
test(
  'banned names: members, texts, comments, arguments and homes are let be',
  finds,
  banned,
  {
    'src/a.ts': [
      'const a = clock.now();',
      'const b = new Date(0);',
      'const c = { setTimeout: 1 };',
      'c.setTimeout;',
      'interface D { console: string; setTimeout(): void }',
      "const e = 'Date.now() and console.log';",
      '// setTimeout',
      'const f = process.pid;',
    ].join('\n'),
    'src/clock.ts': 'setTimeout(() => Date.now());',
    'test/a.ts': 'setTimeout(() => Date.now());',
  },
  [],
);

const sizes: Rule = (sources) => tooLong(sources, { file: 6, function: 3 });
test(
  'sizes: at the limit',
  finds,
  sizes,
  {
    'src/a.ts': 'function a() {\n  return 1;\n}\nconst b = () => {\n  return 1;\n};\n',
  },
  [],
);
test(
  'sizes: over the limit, for every kind of function',
  finds,
  sizes,
  {
    'src/a.ts': '\n'.repeat(6).concat('x;'),
    'src/b.ts': 'function a() {\n\n\n}',
    'src/c.ts': 'const a = () => {\n\n\n}',
    'src/d.ts': 'class A {\n  m() {\n\n\n}}',
    'src/e.ts': '\nconst a = {\n  m() {\n\n\n}}',
  },
  ['src/a.ts:1', 'src/b.ts:1', 'src/c.ts:1', 'src/d.ts:2', 'src/e.ts:3'],
);

test(
  'docstrings: missing',
  finds,
  undocumentedExports,
  {
    'src/a.ts': [
      'export const a = 1;',
      '// no docstring',
      'export function b() {}',
      '/* nor this */ export interface C {}',
      'export type D = string;',
      'export default class {}',
    ].join('\n'),
  },
  ['src/a.ts:1', 'src/a.ts:3', 'src/a.ts:4', 'src/a.ts:5', 'src/a.ts:6'],
);
test(
  'docstrings: given, or of the value right before',
  finds,
  undocumentedExports,
  {
    'src/a.ts': [
      '/** The states. */',
      "export const STATES = ['a'] as const;",
      'export type State = (typeof STATES)[number];',
      'const inner = 1;',
      "export { b } from './b.ts';",
    ].join('\n'),
    'test/b.ts': 'export const b = 1;',
  },
  [],
);
test(
  'docstrings: the value right before must have one',
  finds,
  undocumentedExports,
  {
    'src/a.ts': "const STATES = ['a'] as const;\nexport type State = (typeof STATES)[number];",
  },
  ['src/a.ts:2'],
);

test(
  'switched off tests',
  finds,
  switchedOffTests,
  {
    'test/a.test.ts':
      "test('a', f);\ntest.only('b', f);\ntest.serial.skip('c', f);\ntest.todo('d');\nlist.only(1);\ntest.macro({});",
  },
  ['test/a.test.ts:2', 'test/a.test.ts:3', 'test/a.test.ts:4'],
);

const time: Rule = (sources) =>
  realTime(sources, {
    realClock: 'systemClock',
    shortestLimitMs: 30_000,
    shortestTestMs: 60_000,
    exceptions: ['test/later.test.ts'],
  });
const REAL = "import { systemClock } from '../src/core/clock.ts';";
test(
  'time: a virtual clock is read and compared, and a hang is ended after 30 s',
  finds,
  time,
  {
    'test/virtual.test.ts': [
      'const startedAt = clock.monotonic();',
      'const LIMIT_MS = 5000;',
      't.true(clock.monotonic() - startedAt < LIMIT_MS);',
      't.is(tookMs, 25_000);',
      't.timeout(60_000);',
    ].join('\n'),
    'test/real.test.ts': [
      REAL,
      'const LIMIT_S = 30;',
      'const cancellation = openCancellation([], { clock: systemClock, afterMs: LIMIT_S * 1000, what });',
      "t.log(tookMs, 'took');",
      'const FIRST_MS = 20;',
      "t.is(outcome, 'done');",
      't.like(await onVirtualClock, { tookMs: 3 });',
    ].join('\n'),
    'test/later.test.ts': `${REAL}\nsystemClock.now();`,
    'src/core/a.ts': 'systemClock.now();',
  },
  [],
);
test(
  'time: the real clock read, compared, and as a short limit',
  finds,
  time,
  {
    'test/real.test.ts': [
      REAL,
      'const clock = systemClock;',
      'const startedAt = clock.monotonic();',
      'const read = systemClock.now;',
      't.true(tookMs < withinMs);',
      't.true(ending.elapsedMs > 3);',
      'const SOON_MS = 5 * 1000;',
      'const LIMIT_S = 29;',
      'const cancellation = openCancellation([], { clock, afterMs: SOON_MS, what });',
    ].join('\n'),
    'test/short.test.ts': 't.timeout(59 * 1000);',
  },
  [3, 4, 5, 6, 7, 8, 9].map((line) => `test/real.test.ts:${line}`).concat('test/short.test.ts:1'),
);

test('leftovers', (t) => {
  const texts = { 'a.md': 'fine\nTODO: more\nTODOS are fine', 'b.ts': '// FIXME' };
  t.deepEqual(placesOf(leftovers(texts, ['TODO', 'FIXME'])), ['a.md:2', 'b.ts:1']);
});

test('quotes around ranges and globs', (t) => {
  const texts = {
    'good.md': [
      "countermand node power 'r7n[1-16]' off --yes",
      'countermand node refresh "r7n[1-16]"',
      'countermand plan create [options] [file]',
      "such as 'r7n[1-16]', or `r[7-8]n[01-16,20]`",
      'nodes: ["r7n[1-16]"]',
      "plan 'soft_off r7n[1-4]' is ONGOING",
      'Is `countermand node list` enough?',
    ],
    'bad.md': [
      'countermand node power r7n[1-16] off',
      '`countermand node refresh r7n[1,3]`',
      'countermand --conductor a:1 events --type baremetal.*',
      'countermand node show r7n?',
      'countermand node delete r7*1',
      'ranges such as r7n[1-16]',
    ],
  };
  const joined = Object.fromEntries(Object.entries(texts).map(([path, lines]) => [path, lines.join('\n')]));
  t.deepEqual(
    placesOf(unquotedGlobs(joined)),
    texts['bad.md'].map((_, at) => `bad.md:${at + 1}`),
  );
});

test('folders', (t) => {
  const paths = ['src/core/a.ts', 'src/core/utils/a.ts', 'src/utils.ts', 'types/a.ts'];
  t.deepEqual(placesOf(vagueFolders(paths, ['utils', 'types'])), ['src/core/utils/a.ts:1', 'types/a.ts:1']);
});

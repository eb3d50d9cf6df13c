/** The rules about words, on samples. */
import test from 'ava';
import { foreignWords, secondMeanings } from './code.ts';
import { finds, placesOf } from './sample.ts';
import { foreignProtoWords, translatedWords } from './texts.ts';
import { LOOSE, TRANSLATED } from './vocabulary.ts';
import { wordsOfOneClient } from './words.ts';

test(
  'words of one client: flags and commands, in literals and templates; comments and other places are let be',
  finds,
  (sources) => wordsOfOneClient(sources, ['src/server/'], ['src/server/home.ts'], ['plan', 'database']),
  {
    'src/server/a.ts': [
      "const a = 'start it with --queue';",
      'const b = `it is ${a}; countermand plan cancel ${a}`;',
      'const c = `--${a}`;',
      '// --queue',
      "const d = 'start it with queue; countermand does not --';",
      "const e = 'run countermand database restore';",
      "const f = 'countermand databases, countermand planned';",
    ].join('\n'),
    'src/server/home.ts': "const a = '--queue';",
    'src/cli/a.ts': "const a = '--queue';",
  },
  ['src/server/a.ts:1', 'src/server/a.ts:2', 'src/server/a.ts:6'],
);

test(
  'words: foreign ones in identifiers',
  finds,
  (sources) => foreignWords(sources, { job: 'power task' }),
  {
    'src/a.ts': "const runJob = 1;\nconst JOB_LIMIT = 2;\nconst jobless = 'job';\n// job\ninterface A { theJob: 1 }",
    'test/a.ts': 'const job = 1;',
  },
  ['src/a.ts:1', 'src/a.ts:2', 'src/a.ts:5'],
);
test('words: foreign ones in the contract', (t) => {
  const texts = { 'a.proto': '// A job.\nmessage RunJob {\n  string job_id = 1; // ok\n  string uuid = 2;\n}' };
  t.deepEqual(placesOf(foreignProtoWords(texts, { job: 'power task' })), ['a.proto:2', 'a.proto:3']);
});

test(
  'words: a name with one meaning, declared again',
  finds,
  (sources) => secondMeanings(sources, ['Scope']),
  {
    'src/a.ts': 'export interface Scope {}\ninterface Other {}',
    'src/b.ts': 'type Other = 1;\ntype Scope = string;',
    'src/c.ts': 'class Scope {}\nfunction f() {\n  type Scope = 1;\n}',
    'test/d.ts': 'type Scope = string;',
  },
  ['src/b.ts:2', 'src/c.ts:1'],
);

test('translated English: its words, in any case; names, a field of the request and what comes to rest are let be', (t) => {
  const wrong =
    "At most so many.\nNobody waits.\n'nobody waits'\nwhat it came to\nWhat it is to become\nthe words of the field\n/** So long it waits. */";
  const right =
    "the field of the request\nsomething\n'nobody' and basic:nobody\nit came to rest\nof the field of the request";
  const found = translatedWords({ 'a.md': `${wrong}\n${right}` }, [...TRANSLATED, ...LOOSE]);
  t.deepEqual(
    placesOf(found).map((place) => place.slice(-1)),
    ['1', '2', '3', '4', '5', '6', '7'],
  );
});

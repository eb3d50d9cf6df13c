/** The rules about rooms, statements and exports find what they are for, and nothing else. */
import test, { type ExecutionContext } from 'ava';
import { bypassedInterfaces, crossedRooms, strayStatements, unusedExports } from './imports.ts';
import { type Finding, parseSources, report, type Source } from './sources.ts';

type Texts = Readonly<Record<string, string>>;
type Rule = (sources: readonly Source[]) => Finding[];

const finds = test.macro((t: ExecutionContext, rule: Rule, texts: Texts, places: readonly string[]) => {
  const findings = rule(parseSources(texts));
  t.deepEqual(
    findings.map(({ path, line }) => `${path}:${line}`),
    [...places],
    report(findings),
  );
});

const ROOMS = {
  parent: 'src/server',
  rooms: { store: [], power: ['store', 'log.ts'], api: ['power'] },
  closed: ['api'],
};
const rooms: Rule = (sources) => crossedRooms(sources, ROOMS);
test(
  'rooms: from below, and what puts them together',
  finds,
  rooms,
  {
    'src/server/power/a.ts':
      "import { x } from '../store/x.ts';\nimport { l } from '../log.ts';\nimport { b } from './b.ts';",
    'src/server/conductor.ts': "import { a } from './power/a.ts';\nimport { l } from './log.ts';",
    'src/server/api/a.ts': "import { a } from '../power/a.ts';\nimport { c } from '../../core/c.ts';",
    'src/cli/a.ts': "import { a } from '../server/api/a.ts';",
  },
  [],
);
test(
  'rooms: from above, from beside, and from what is closed',
  finds,
  rooms,
  {
    'src/server/store/a.ts': "import { x } from '../power/x.ts';\nimport { l } from '../log.ts';",
    'src/server/api/a.ts': "import { c } from '../conductor.ts';\nimport { s } from '../store/s.ts';",
    'src/server/conductor.ts': "import { g } from './api/g.ts';",
  },
  [
    'src/server/store/a.ts:1',
    'src/server/store/a.ts:2',
    'src/server/api/a.ts:1',
    'src/server/api/a.ts:2',
    'src/server/conductor.ts:1',
  ],
);

test(
  'SQL: statements outside of the store',
  finds,
  (sources) => strayStatements(sources, 'src/server', 'src/server/store'),
  {
    'src/server/store/a.ts': "await sql('nodes').first();",
    'src/server/power/a.ts':
      "find(uuid, transaction.sql);\nawait sql('nodes').first();\nsql<Row>('nodes');\ntransaction.sql('x');",
    'src/server/plans/a.ts': "await direct.update('nodes', {}, {});\nsql.raw('x');",
    'src/cli/a.ts': "sql('x');",
  },
  [
    'src/server/power/a.ts:2',
    'src/server/power/a.ts:3',
    'src/server/power/a.ts:4',
    'src/server/plans/a.ts:1',
    'src/server/plans/a.ts:2',
  ],
);

test(
  'interfaces: what imports the implementation',
  finds,
  (sources) => bypassedInterfaces(sources, { 'src/server/store/sqlite/': ['src/cli/run.ts'] }),
  {
    'src/cli/run.ts': "import { open } from '../server/store/sqlite/database.ts';",
    'src/server/store/sqlite/database.ts': "import { open } from './file.ts';",
    'src/server/store/rows.ts':
      "import { open } from './sqlite/file.ts';\nimport type { Database } from './database.ts';",
    'src/server/plans/a.ts':
      "import type { Database } from '../store/database.ts';\nimport('../store/sqlite/file.ts');",
    'test/a.ts': "import { open } from '../src/server/store/sqlite/file.ts';",
  },
  ['src/server/store/rows.ts:1', 'src/server/plans/a.ts:2'],
);

test(
  'exports: what no other file imports',
  finds,
  (sources) => unusedExports(sources, ['src/drivers/offered.ts']),
  {
    'src/core/a.ts':
      'export const used = 1;\nexport type Used = 1;\nexport function dead() {}\nexport interface Private {}',
    'src/core/late.ts': 'export function loaded() {}',
    'src/core/all.ts': 'export const any = 1;',
    'src/drivers/offered.ts': 'export const any = 1;',
    'src/cli/b.ts': "import { type Used, used as u } from '../core/a.ts';\nconst x = await import('../core/late.ts');",
    'test/a.ts': "import * as all from '../src/core/all.ts';",
  },
  ['src/core/a.ts:3', 'src/core/a.ts:4'],
);

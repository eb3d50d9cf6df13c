/** What is asked of the nodes for each reading or each page is found by an index, however many nodes there are. */
import test from 'ava';
import type { Knex } from 'knex';
import { findNodesAt, listNodes, listNodesAfter, listUnserved } from '../../../src/server/store/nodes.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';

const SYSTEM = '10.0.7.1/redfish/v1/Systems/1';
const CASES: Readonly<Record<string, readonly [index: RegExp, ask: (sql: Knex) => Promise<unknown>]>> = {
  'the nodes at a BMC': [/nodes_bmc_place_index/, (sql) => findNodesAt('10.0.7.1', 'default', 'none', 1000, sql)],
  'the nodes at a System': [/nodes_bmc_place_index/, (sql) => findNodesAt(SYSTEM, 'default', 'none', 1000, sql)],
  'a page of nodes without a problem': [
    /nodes_name_unique/,
    (sql) => listNodesAfter('n', { withProblem: false }, 500, sql),
  ],
  'a page of nodes with one': [
    /nodes_with_problem_index/,
    (sql) => listNodesAfter('n', { withProblem: true }, 500, sql),
  ],
  'the nodes that no agent serves': [/nodes_with_problem_index/, listUnserved],
  'a page of the nodes of a zone': [
    /nodes_zone_name_index/,
    (sql) => listNodes({ zone: 'default', driver: '', labels: {} }, 'n', 500, sql),
  ],
  'the last page of the nodes of a zone': [
    /nodes_zone_name_index/,
    (sql) => listNodes({ zone: 'default', driver: '', labels: {}, descending: true }, 'n', 500, sql),
  ],
};

for (const [what, [index, ask]] of Object.entries(CASES))
  test(`${what}: neither every node nor every node of a zone is looked at`, async (t) => {
    const database = await openMemoryDatabase();
    t.teardown(() => database.close());
    const asked: { readonly sql: string; readonly bindings: readonly string[] }[] = [];
    const { read } = database;
    read.on('query', (query) => asked.push(query));
    t.deepEqual(await ask(read), []);
    const [{ sql, bindings }] = asked as [(typeof asked)[number]];
    const plan = (await read.raw(`explain query plan ${sql}`, [...bindings])) as { readonly detail: string }[];
    const details = plan.map(({ detail }) => detail).join('; ');
    t.regex(details, index);
    t.notRegex(details, /zone_index|SCAN(?! nodes USING INDEX nodes_with_problem_index)|TEMP B-TREE/);
  });

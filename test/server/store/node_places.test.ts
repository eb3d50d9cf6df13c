/** Nodes at one BMC are found by its place, however many nodes their zone has. */
import test from 'ava';
import { findNodesAt } from '../../../src/server/store/nodes.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';

for (const place of ['10.0.7.1', '10.0.7.1/redfish/v1/Systems/1'])
  test(`nodes at ${place} are found by the index of places`, async (t) => {
    const database = await openMemoryDatabase();
    t.teardown(() => database.close());
    const asked: { readonly sql: string; readonly bindings: readonly string[] }[] = [];
    const { read } = database;
    read.on('query', (query) => asked.push(query));
    t.deepEqual(await findNodesAt(place, 'default', 'none', 1000, read), []);
    const [{ sql, bindings }] = asked as [(typeof asked)[number]];
    const plan = (await read.raw(`explain query plan ${sql}`, [...bindings])) as { readonly detail: string }[];
    const details = plan.map(({ detail }) => detail).join('; ');
    t.regex(details, /nodes_bmc_place_index/);
    t.notRegex(details, /zone_index|SCAN/);
  });

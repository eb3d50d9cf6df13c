/** A copy has every table, and every row of those that are read in pages. */
import test, { type ExecutionContext } from 'ava';
import { copyDatabase } from '../../../src/server/store/copy.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { databaseId } from '../../../src/server/store/events.ts';
import { portionsOf, ROWS_AT_ONCE } from '../../../src/server/store/portions.ts';
import { openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import { appendEvents, eventTypes, insert, names } from '../../contract/writes.ts';
import { nodeRow } from '../rows.ts';

async function open(t: ExecutionContext): Promise<Database> {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  return database;
}

const copy = (from: Database, database: Database) =>
  copyDatabase(from, { database, where: 'the copy', continueNumbers: async () => {} });

test('every table is copied, except those that are the own of a database', async (t) => {
  const [from, to] = [await open(t), await open(t)];
  const tables: { name: string }[] = await from.read('sqlite_master').where('type', 'table').select('name');
  const own = /^(database_owner|conductors|knex_.*|sqlite_.*)$/;
  t.deepEqual(
    [...(await copy(from, to)).keys()].toSorted(),
    tables
      .map(({ name }) => name)
      .filter((name) => !own.test(name))
      .toSorted(),
  );
  t.is(await databaseId(to.read), await databaseId(from.read));
});

for (const count of [399, 400, 401, 1000])
  test(`${count} rows are copied, once and in their order`, async (t) => {
    const [from, to] = [await open(t), await open(t)];
    const types = Array.from({ length: count }, (_, at) => `event ${at}`);
    await from.write((transaction) => appendEvents(types, transaction));
    await from.read('events').where('sequence', 7).delete();
    t.is((await copy(from, to)).get('events'), count - 1);
    t.deepEqual(await eventTypes(to), await eventTypes(from));
    await to.write((transaction) => appendEvents(['next'], transaction));
    t.is((await to.read('events').where('event_type', 'next').first()).sequence, count + 1);
  });

test('the nodes of plans are read in pages, which end in the middle of a plan and at the end of one', async (t) => {
  const [from, to] = [await open(t), await open(t)];
  const uuid = (kind: string, at: number) => `${kind}-${String(at).padStart(4, '0')}`;
  const lengths = [1, 399, 700, 1, 99];
  const rows = lengths.flatMap((length, plan) =>
    Array.from({ length }, (_, node) => ({ plan_uuid: uuid('plan', plan), node_uuid: uuid('node', node) })),
  );
  await from.write(async ({ sql }) => {
    for (const part of portionsOf(rows.toReversed(), ROWS_AT_ONCE)) await sql('plan_nodes').insert(part);
  });
  const read: number[] = [];
  from.read.on('query-response', (response: unknown[], { sql }: { sql: string }) => {
    if (/from .plan_nodes/.test(sql)) read.push(response.length);
  });
  t.is((await copy(from, to)).get('plan_nodes'), 1200);
  t.deepEqual(read, [400, 400, 400, 0]);
  t.deepEqual(await to.read('plan_nodes').orderBy(['plan_uuid', 'node_uuid']), rows);
});

test('a database with rows of any kind is not copied into, and stays as it is', async (t) => {
  const [from, to] = [await open(t), await open(t)];
  await from.write(insert(nodeRow({ name: 'from' })));
  await to.write((transaction) => appendEvents(['there'], transaction));
  const id = await databaseId(to.read);
  await t.throwsAsync(copy(from, to), { code: 'DATABASE_REFUSED', message: /^the copy has events already/ });
  t.deepEqual([await names(to), await eventTypes(to), await databaseId(to.read)], [[], ['there'], id]);
});

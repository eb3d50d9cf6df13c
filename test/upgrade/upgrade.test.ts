/**
 * An upgrade from each release. The database of a release was made by its own conductor (test/upgrade/record.ts), with rows in every
 * table. After the upgrade a client of that release is told the same as before, field by field. What goes on in such a database
 * afterwards is shown by test/server/store/rows_of_0012; the move to PostgreSQL by test/e2e/database_copy.
 */
import { join } from 'node:path';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { type Answers, releasedVersions, versionsWithDatabase } from './released.ts';
import { differences, folderOf, startUpgraded, toldOtherwise } from './told.ts';

test('every release has left a database', (t) => {
  t.true(releasedVersions().length > 1);
  t.deepEqual(versionsWithDatabase().toSorted(), releasedVersions().toSorted());
});

test('a row that is gone and a field that has changed are told', (t) => {
  const before: Answers = {
    nodes: [{ uuid: 'a', name: 'one', possible: ['on'] }, { uuid: 'b' }],
    events: [{ sequence: '1' }],
  };
  const after = {
    nodes: [{ uuid: 'a', name: 'two', possible: [], added: 1 }],
    events: [{ sequence: '1' }, { sequence: '2' }],
  };
  t.deepEqual(differences(before, before), []);
  t.deepEqual(differences(before, after), ['nodes a: name: "one" -> "two"', 'nodes b is gone']);
});

for (const version of versionsWithDatabase()) {
  test(`the database of ${version} has rows in every table`, async (t) => {
    const file = new BetterSqlite3(join(await folderOf(version, t), 'countermand.db'));
    t.teardown(() => file.close());
    const tables = file.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
    t.true(tables.length > 10);
    const empty = tables.filter(({ name }) => file.prepare(`select 1 from ${name} limit 1`).get() === undefined);
    t.deepEqual(empty, []);
  });

  test(`a client of ${version} is told after the upgrade what it was told before`, async (t) => {
    const { address } = await startUpgraded(version, await folderOf(version, t), t);
    t.deepEqual(await toldOtherwise(version, address), []);
  });
}

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CountermandError } from '../../../src/core/errors.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { openDatabase, openMemoryDatabase } from '../../../src/server/store/sqlite/database.ts';
import { keepStatements } from '../../../src/server/store/sqlite/statements.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { takeNewborn } from '../../world/memory.ts';
import { SharedConnection } from '../../world/shared_connection.ts';
import { nodeRow, putRows } from '../rows.ts';

async function newDatabase(t: ExecutionContext): Promise<Database> {
  const database = await openMemoryDatabase();
  t.teardown(() => database.close());
  return database;
}

const names = async (database: Database): Promise<string[]> =>
  (await database.read('nodes').orderBy('name').select('name')).map(({ name }) => name);

test('writes that arrive in callbacks of their own share a commit as well', async (t) => {
  let commits = 0;
  const afterCommit = (): undefined => {
    commits += 1;
  };
  const database = SharedConnection.create().open({ alive: true, statement: () => {}, afterCommit });
  t.teardown(() => database.close());
  // As messages come over sockets: each in a callback of its own.
  const arrive = (): Promise<void> =>
    new Promise((resolve, reject) => {
      setImmediate(() => putRows(database, nodeRow(), null).then(resolve, reject));
    });
  await Promise.all(Array.from({ length: 20 }, arrive));
  t.is((await names(database)).length, 20);
  t.is(commits, 1);
});

test('a watcher that never reads is let go with its signal', async (t) => {
  const database = await newDatabase(t);
  const controller = new AbortController();
  database.feed.watch('node', controller.signal);
  t.is(database.feed.size, 1);
  controller.abort(new CountermandError('CALL_ENDED', 'gone'));
  t.is(database.feed.size, 0);
});

const refusal = async (opening: Promise<unknown>): Promise<CountermandError> =>
  opening.then(
    () => null,
    (error) => error,
  ) as never;

test('a second conductor on the same folder is refused, and let in when the first has gone', async (t) => {
  const folder = await newFolder(t);
  const first = await openDatabase(folder);
  const error = await refusal(openDatabase(folder));
  t.is(error.code, 'DATA_FOLDER_IN_USE');
  t.true(error.message.includes(folder));
  await first.close();
  await (await openDatabase(folder)).close();
});

test('a folder that cannot be made is refused with its name', async (t) => {
  const file = join(await newFolder(t), 'a-file');
  writeFileSync(file, '');
  const error = await refusal(openDatabase(join(file, 'below')));
  t.is(error.code, 'DATA_FOLDER_UNUSABLE');
  t.true(error.message.includes(file));
});

test('a database that a newer version wrote is refused with a sentence, and left as it is', async (t) => {
  const folder = await newFolder(t);
  const database = await openDatabase(folder);
  await database
    .read('knex_migrations')
    .insert({ name: '9999_from_the_future', batch: 2, migration_time: new Date(0) });
  await database.close();
  const error = await refusal(openDatabase(folder));
  t.is(error.code, 'DATABASE_NEWER');
  t.regex(error.message, /9999_from_the_future/);
  // the refusal has let go of the folder
  t.is((await refusal(openDatabase(folder))).code, 'DATABASE_NEWER');
});

test('a process that died while migrating does not lock the next one out', async (t) => {
  const folder = await newFolder(t);
  const database = await openDatabase(folder);
  await database.read('knex_migrations_lock').update({ is_locked: 1 });
  await database.close();
  await (await openDatabase(folder)).close();
  t.pass();
});

test('the data folder is for its owner alone', async (t) => {
  const folder = join(await newFolder(t), 'new');
  await (await openDatabase(folder)).close();
  t.true(existsSync(join(folder, 'countermand.db')));
  t.is(statSync(folder).mode & 0o077, 0);
});

test('what a write has left running may read, and two databases do not know of each other', async (t) => {
  const database = await newDatabase(t);
  const other = await newDatabase(t);
  const opened = Promise.withResolvers<void>();
  let left: Promise<unknown> = Promise.resolve();
  await database.write(async () => {
    left = opened.promise.then(() => database.read('nodes'));
    await other.read('nodes');
    await other.write(async () => {});
  });
  opened.resolve();
  t.deepEqual(await left, []);
});

test('a statement is prepared once, with its parameters where SQLite does not look at them; it answers as it would', (t) => {
  const { raw } = takeNewborn();
  t.teardown(() => raw.close());
  const prepared: string[] = [];
  const prepare = raw.prepare.bind(raw);
  raw.prepare = ((sql: string) => {
    prepared.push(sql);
    return prepare(sql);
  }) as typeof raw.prepare;
  keepStatements(raw);
  raw.prepare('insert into knex_migrations (name, batch) values (?, ?), (?, ?), (?, ?)').run('x', 7, 'y', '7', 'z', 8);
  const text =
    'select name from knex_migrations where batch = ? and name in (?, ?) and name like ? order by name limit ?';
  const found = (batch: unknown, limit: number): unknown[] => raw.prepare(text).all([batch, 'x', 'y', '_', limit]);
  t.deepEqual([found(7, 1), found('7', 2), found('8', 2)], [[{ name: 'x' }], [{ name: 'x' }, { name: 'y' }], []]);
  t.deepEqual(prepared.splice(0), [
    'insert into knex_migrations (name, batch) values (+?, +?), (+?, +?), (+?, +?)',
    'select name from knex_migrations where batch = +? and name in (+?, +?) and name like +? order by name limit +?',
  ]);
  // Of lists of every length, the newest are kept.
  for (let length = 1; length <= 600; length += 1)
    raw.prepare(`select name from knex_migrations where name in (${Array(length).fill('?').join(', ')})`);
  prepared.length = 0;
  const last = `select name from knex_migrations where name in (${Array(600).fill('?').join(', ')})`;
  t.is(raw.prepare(last), raw.prepare(last));
  t.deepEqual(found(7, 1), [{ name: 'x' }]);
  t.is(prepared.length, 1);
});

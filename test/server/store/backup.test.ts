/** `countermand database backup`, `restore`, `check` and `vacuum`, of files. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { Database } from '../../../src/server/store/database.ts';
import { backedUpAt } from '../../../src/server/store/events.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { appendEvents, insert, names } from '../../contract/writes.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { runHere } from '../../e2e/processes.ts';
import { nodeRow } from '../rows.ts';

const RESERVE_BYTES = 2 ** 16;

const database = (...words: string[]) => runHere(['database', ...words]);

/** A folder with an open database in which there is a node. */
async function opened(t: ExecutionContext): Promise<{ readonly data: string; readonly database: Database }> {
  const data = join(await newFolder(t), 'data');
  const there = await openDatabase(data, RESERVE_BYTES);
  t.teardown(() => there.close());
  await there.write(insert(nodeRow({ name: 'n1' })));
  return { data, database: there };
}

const edit = (path: string, sql: string): void => {
  const raw = new BetterSqlite3(path);
  raw.exec(sql);
  raw.close();
};

const filesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Overwrites the page on which a table has its root. */
function damage(path: string, table: string): void {
  const raw = new BetterSqlite3(path);
  const size = raw.pragma('page_size', { simple: true }) as number;
  const root = raw.prepare('select rootpage from sqlite_master where name = ?').pluck().get(table) as number;
  raw.close();
  const bytes = readFileSync(path);
  bytes.fill(0xaa, (root - 1) * size, root * size);
  writeFileSync(path, bytes);
}

test('a backup is made beside a process that writes, has one moment, and is put back as it was', async (t) => {
  const { data, database: there } = await opened(t);
  const [file, back] = [join(data, '../backup.db'), join(data, '../back')];
  // An event and a node are written together: a backup has both or neither.
  let isOver = false;
  const writing = (async () => {
    for (let at = 2; !isOver; at += 1)
      await there.write(async (transaction) => {
        await insert(nodeRow({ name: `n${at}` }))(transaction);
        await appendEvents([`n${at}`], transaction);
      });
  })();
  const made = await database('backup', file, '--data', data);
  isOver = true;
  await writing;
  t.is(made.exitCode, 0, made.stderr);
  t.regex(made.stdout, /backup\.db: \d+ nodes, 0 power_tasks, .*\n.*keep the key/);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(join(data, '..')).toSorted(), ['backup.db', 'data']);

  const checked = await database('check', file);
  t.regex(checked.stdout, /backup\.db is whole: /);
  const restored = await database('restore', file, '--data', back);
  t.is(restored.exitCode, 0, restored.stderr);
  t.regex(restored.stdout, /ends the orders, plans and audits that were under way/);
  t.is(statSync(join(back, 'countermand.db')).mode & 0o777, 0o600);
  const again = await openDatabase(back, RESERVE_BYTES);
  t.teardown(() => again.close());
  const events = await again.read('events').pluck('event_type');
  t.deepEqual((await names(again)).toSorted(), ['n1', ...events].toSorted());
  t.true((await names(there)).length >= events.length + 1);
  t.is(typeof (await backedUpAt(again.read)), 'number');
  t.is(await backedUpAt(there.read), null);
});

test('a backup replaces no file, and what cannot be made leaves nothing', async (t) => {
  const { data, database: there } = await opened(t);
  const folder = await newFolder(t);
  const file = join(folder, 'b.db');
  writeFileSync(file, 'mine');
  t.like(await database('backup', file, '--data', data), { exitCode: 5, stdout: '' });
  t.is(readFileSync(file, 'utf8'), 'mine');
  const nowhere = await database('backup', join(folder, 'none/b.db'), '--data', data);
  t.is(nowhere.exitCode, 5);
  t.regex(nowhere.stderr, /none\/b\.db cannot be made: ENOENT/);
  t.regex((await database('backup', join(folder, 'c.db'), '--data', folder)).stderr, /there is no database in/);
  await there.close();
  damage(join(data, 'countermand.db'), 'events');
  const damaged = await database('backup', join(folder, 'c.db'), '--data', data);
  t.is(damaged.exitCode, 5);
  t.deepEqual(readdirSync(folder), ['b.db']);
});

test('what is not put back: a file that is damaged, newer or none, and into a folder that has a database or a conductor', async (t) => {
  const { data, database: there } = await opened(t);
  const folder = await newFolder(t);
  const file = join(folder, 'b.db');
  t.is((await database('backup', file, '--data', data)).exitCode, 0);
  const restore = (from: string, to: string) => database('restore', join(folder, from), '--data', to);
  t.regex((await restore('b.db', data)).stderr, /another conductor uses the data folder/);
  await there.close();
  const before = readFileSync(join(data, 'countermand.db'));
  t.like(await restore('b.db', data), { exitCode: 5 });
  t.deepEqual(readFileSync(join(data, 'countermand.db')), before);

  writeFileSync(join(folder, 'damaged.db'), readFileSync(file));
  damage(join(folder, 'damaged.db'), 'events');
  writeFileSync(join(folder, 'newer.db'), readFileSync(file));
  edit(join(folder, 'newer.db'), "insert into knex_migrations (name) values ('9999_later')");
  writeFileSync(join(folder, 'torn.db'), readFileSync(file));
  // As when rows were deleted with another program.
  edit(join(folder, 'torn.db'), "insert into plan_nodes values ('p', 'n')");
  writeFileSync(join(folder, 'text.db'), 'no database');
  const fresh = join(folder, 'fresh');
  for (const [from, why] of [
    ['damaged.db', /did not pass its check/],
    ['newer.db', /a change 9999_later that this version does not know/],
    ['torn.db', /plan_uuid of plan_nodes is p, which is not in action_plans/],
    ['text.db', /did not pass its check/],
    ['absent.db', /is no file, or is not there/],
  ] as const) {
    const { exitCode, stderr } = await restore(from, fresh);
    t.is(exitCode, 5, from);
    t.regex(stderr, why);
    t.notRegex(stderr, /countermand database restore/, 'it is what was tried');
    t.deepEqual(
      filesIn(fresh).filter((name) => name.startsWith('countermand')),
      [],
    );
  }
});

test('a vacuum gives the room of deleted rows back, and is refused while a conductor runs', async (t) => {
  const { data, database: there } = await opened(t);
  await there.write((transaction) =>
    appendEvents(
      Array.from({ length: 5000 }, (_, at) => `e${at}`),
      transaction,
    ),
  );
  await there.write(({ sql }) => sql('events').delete());
  t.regex((await database('vacuum', '--data', data)).stderr, /another conductor uses the data folder/);
  await there.close();
  const before = statSync(join(data, 'countermand.db')).size;
  const { exitCode, stdout } = await database('vacuum', '--data', data);
  t.is(exitCode, 0);
  t.regex(stdout, /: \S+ [KM]iB before, \S+ KiB now$/);
  t.true(statSync(join(data, 'countermand.db')).size < before);
  t.regex((await database('check', '--data', data)).stdout, /is whole: 1 nodes/);
});

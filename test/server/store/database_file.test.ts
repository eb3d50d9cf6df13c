/** What can be wrong with a database file, a lock or a disk, and what an operator is told. */

import { chmodSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { systemChance } from '../../../src/core/chance.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { CountermandError } from '../../../src/core/errors.ts';
import { openStore } from '../../../src/server/conductor.ts';
import { deleteFreeNode, insertNode, updateNode } from '../../../src/server/nodes/write.ts';
import type { Database } from '../../../src/server/store/database.ts';
import { type NodeRow, nodeCodec } from '../../../src/server/store/rows.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { never } from '../../counterparts/signals.ts';
import { nodeRow, putRows } from '../rows.ts';

/** Small, so that a test writes little. */
const RESERVE_BYTES = 2 ** 16;
const fileIn = (folder: string): string => join(folder, 'countermand.db');

async function open(t: ExecutionContext, folder: string): Promise<Database> {
  const database = await openDatabase(folder, RESERVE_BYTES);
  t.teardown(() => database.close());
  return database;
}

/** A folder with a database in which there is a node; closed again. */
async function usedFolder(t: ExecutionContext): Promise<string> {
  const folder = await newFolder(t);
  const database = await openDatabase(folder, RESERVE_BYTES);
  await putRows(database, nodeRow({ name: 'n1' }), null);
  await database.close();
  return folder;
}

/** Changes a closed database past the product. */
function edit(folder: string, work: (raw: BetterSqlite3.Database) => void): void {
  const raw = new BetterSqlite3(fileIn(folder));
  work(raw);
  raw.close();
}

/** Overwrites the page on which a table has its root with bytes that are no page. */
function damage(folder: string, table: string): void {
  let offset = 0;
  let size = 0;
  edit(folder, (raw) => {
    raw.pragma('wal_checkpoint(TRUNCATE)');
    size = raw.pragma('page_size', { simple: true }) as number;
    const { rootpage } = raw.prepare('select rootpage from sqlite_master where name = ?').get(table) as {
      rootpage: number;
    };
    offset = (rootpage - 1) * size;
  });
  const bytes = readFileSync(fileIn(folder));
  bytes.fill(0xaa, offset, offset + size);
  writeFileSync(fileIn(folder), bytes);
}

async function refusedAs(
  t: ExecutionContext,
  opening: Promise<unknown>,
  code: CountermandError['code'],
): Promise<string> {
  const error = await t.throwsAsync(opening);
  t.is((error as CountermandError).code, code, error.message);
  return error.message;
}

const WRONG_FILES: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['an empty file', (path) => truncateSync(path), /countermand.db is empty; stop the conductor.*restore a backup/],
  ['a text file', (path) => writeFileSync(path, 'not a database\n'.repeat(100)), /cannot be read as a database/],
  ['half a file', (path) => truncateSync(path, 5000), /did not pass its check|cannot be read as a database/],
  ['no file beside a write-ahead log', loseTheFile, /countermand.db is missing, but its write-ahead log/],
  ['the database of another program', makeAnother, /is not a database of countermand/],
];

function loseTheFile(path: string): void {
  rmSync(path);
  writeFileSync(`${path}-wal`, Buffer.alloc(4096));
}

function makeAnother(path: string): void {
  rmSync(path);
  const raw = new BetterSqlite3(path);
  raw.exec('create table bookmarks (url text)');
  raw.close();
}

for (const [name, spoil, sentence] of WRONG_FILES) {
  test(`${name} is refused as damaged, and left as it is`, async (t) => {
    const folder = await usedFolder(t);
    edit(folder, (raw) => raw.exec('update database_owner set ended_cleanly = 0'));
    spoil(fileIn(folder));
    const content = (): string[] =>
      readdirSync(folder)
        .filter((file) => file === 'countermand.db')
        .map((file) => readFileSync(join(folder, file)).toString('latin1'));
    const before = content();
    for (const time of ['the first time', 'again'])
      t.regex(await refusedAs(t, openDatabase(folder, RESERVE_BYTES), 'DATABASE_DAMAGED'), sentence, time);
    t.deepEqual(content(), before);
  });
}

test('after an unclean end a damaged page is found before anything is believed', async (t) => {
  const folder = await usedFolder(t);
  edit(folder, (raw) => raw.exec('update database_owner set ended_cleanly = 0'));
  damage(folder, 'events');
  await refusedAs(t, openDatabase(folder, RESERVE_BYTES), 'DATABASE_DAMAGED');
});

test('a page that was damaged after a clean end is found at the next start', async (t) => {
  const folder = await usedFolder(t);
  damage(folder, 'events');
  await refusedAs(t, openDatabase(folder, RESERVE_BYTES), 'DATABASE_DAMAGED');
});

test('a page that is found damaged later ends the use of the database with the reason', async (t) => {
  const folder = await usedFolder(t);
  const database = await open(t, folder);
  damage(folder, 'nodes');
  await t.throwsAsync(async () => await database.read('nodes'));
  t.is((await database.lost).code, 'DATABASE_DAMAGED');
});

test('a database is made whole or not at all: what a crash left of its making is made anew', async (t) => {
  const folder = await newFolder(t);
  writeFileSync(join(folder, 'countermand.db.new'), 'half of it');
  const database = await open(t, folder);
  await putRows(database, nodeRow({ name: 'n1' }), null);
  t.false(readdirSync(folder).includes('countermand.db.new'));
});

test('an owner that runs on this host keeps others out, also without its lock file', async (t) => {
  const folder = await usedFolder(t);
  // Process 1 always runs.
  const stat = readFileSync('/proc/1/stat', 'utf8');
  const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const own = 'update database_owner set pid = 1, started_at = ?, ended_cleanly = ?';
  edit(folder, (raw) => raw.prepare(own).run(startedAt, 0));
  rmSync(join(folder, 'conductor.lock'), { force: true });
  const sentence = await refusedAs(t, openDatabase(folder, RESERVE_BYTES), 'DATA_FOLDER_IN_USE');
  t.regex(sentence, /another conductor \(pid 1\) uses the data folder/);
  edit(folder, (raw) => raw.exec("update database_owner set started_at = '1'"));
  await (await openDatabase(folder, RESERVE_BYTES)).close();
  // It runs, and has closed the database.
  edit(folder, (raw) => raw.prepare(own).run(startedAt, 1));
  await (await openDatabase(folder, RESERVE_BYTES)).close();
});

test('a conductor whose database another has opened since writes nothing more, and says so', async (t) => {
  const folder = await newFolder(t);
  const database = await open(t, folder);
  await putRows(database, nodeRow({ name: 'before' }), null);
  edit(folder, (raw) => raw.exec('update database_owner set generation = generation + 1, pid = 4711'));
  const writing = putRows(database, nodeRow({ name: 'after' }), null);
  t.regex(
    await refusedAs(t, writing, 'DATABASE_TAKEN'),
    /another conductor \(pid 4711\) has opened the database since/,
  );
  t.is((await database.lost).code, 'DATABASE_TAKEN');
  const names = (await database.read('nodes').select('name')).map(({ name }) => name);
  t.deepEqual(names, ['before']);
});

test('each start raises the generation, and an end says that it was clean', async (t) => {
  const folder = await usedFolder(t);
  const owner = (): { generation: number; ended_cleanly: number } => {
    let row: unknown;
    edit(folder, (raw) => {
      row = raw.prepare('select generation, ended_cleanly from database_owner').get();
    });
    return row as never;
  };
  t.deepEqual(owner(), { generation: 1, ended_cleanly: 1 });
  const database = await openDatabase(folder, RESERVE_BYTES);
  t.deepEqual(owner(), { generation: 2, ended_cleanly: 0 });
  await database.close();
  t.deepEqual(owner(), { generation: 2, ended_cleanly: 1 });
});

test('all files are for the owner alone, whatever the folder and an earlier version made of them', async (t) => {
  const folder = await usedFolder(t);
  chmodSync(folder, 0o755);
  for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o644);
  const database = await open(t, folder);
  await putRows(database, nodeRow({ name: 'n2' }), null);
  const open644 = readdirSync(folder).filter((file) => (statSync(join(folder, file)).mode & 0o077) !== 0);
  t.deepEqual(
    open644.filter((file) => !file.startsWith('conductor.lock-')),
    [],
  );
});

/** Everything that is in the files of a folder. */
const bytesIn = (folder: string): string =>
  readdirSync(folder)
    .map((file) => readFileSync(join(folder, file)).toString('latin1'))
    .join('');

test('a secret that was changed, removed or deleted is in no file any more', async (t) => {
  const folder = await newFolder(t);
  const database = await open(t, folder);
  const store = openStore({ database, clock: systemClock, chance: systemChance, publisherId: 'test' });
  const cause = { why: 'test', planUuid: null };
  const insert = (name: string, ipmi_password: string) =>
    database.write((tx) =>
      insertNode(nodeRow({ name, bmcKey: name, driverInfo: { ipmi_password } }), cause, tx, store),
    );
  const update = (node: NodeRow, driverInfo: Record<string, string>) =>
    database.write((tx) => updateNode(node, { driverInfo }, cause, tx, store));
  const changed = await insert('changed', 'first-secret-of-changed');
  const removed = await insert('removed', 'first-secret-of-removed');
  const deleted = await insert('deleted', 'first-secret-of-deleted');
  t.true(bytesIn(folder).includes('first-secret-of-changed'), 'the test would not see it');
  await update(changed, { ipmi_password: 'second-secret' });
  await update(removed, {});
  await database.write((tx) => deleteFreeNode(deleted, cause, tx, store));
  t.deepEqual(bytesIn(folder).match(/first-secret-of-\w+/g), null);
  t.true(bytesIn(folder).includes('second-secret'));
});

test('an error of the database names no value that was bound', async (t) => {
  const database = await open(t, await newFolder(t));
  const row = { ...nodeCodec.encode(nodeRow({ name: 'n1', driverInfo: { ipmi_password: 'open-sesame' } })) };
  const error = await t.throwsAsync(() => database.write(({ sql }) => sql('nodes').insert({ ...row, zone: null })));
  t.regex(error.message, /zone/);
  t.notRegex(`${error.message} ${error.stack} ${JSON.stringify(error)}`, /open-sesame/);
});

test('a full disk: each waiting write is told that nothing was written, and there is room to come back', async (t) => {
  const folder = await newFolder(t);
  const database = await open(t, folder);
  await putRows(database, nodeRow({ name: 'before' }), null);
  const pages = await database.read.raw('pragma page_count').then(([{ page_count }]) => page_count);
  await database.read.raw(`pragma max_page_count = ${pages}`);
  let toldFull = 0;
  const telling = database.untilFull(never()).then(() => {
    toldFull += 1;
  });
  const big = (name: string) =>
    database.write(({ sql }) =>
      sql('nodes').insert(nodeCodec.encode(nodeRow({ name, lastError: 'x'.repeat(2 ** 18) }))),
    );
  const results = await Promise.allSettled([big('a'), big('b'), big('c')]);
  t.deepEqual(
    results.map((result) => result.status === 'rejected' && result.reason.code),
    ['DISK_FULL', 'DISK_FULL', 'DISK_FULL'],
  );
  t.true(database.isFull);
  await telling;
  await database.untilFull(never());
  t.is(toldFull, 1);
  t.false(readdirSync(folder).includes('reserve'));
  t.is(statSync(`${fileIn(folder)}-wal`).size, 0);
  const names = async () => (await database.read('nodes').orderBy('name').select('name')).map(({ name }) => name);
  t.deepEqual(await names(), ['before']);
  await database.read.raw('pragma max_page_count = 1000000');
  t.true(await database.findRoom(never()));
  t.false(database.isFull);
  await t.throwsAsync(database.untilFull(AbortSignal.abort(new Error('enough'))), { message: 'enough' });
  t.is(statSync(join(folder, 'reserve')).size, RESERVE_BYTES);
  await big('d');
  t.deepEqual(await names(), ['before', 'd']);
});

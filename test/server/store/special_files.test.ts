/** What stands in place of a file of the data folder and is none: told in a sentence, soon, and left as it is. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { nodeRow, putRows } from '../rows.ts';

const RESERVE_BYTES = 2 ** 16;

const beside = (name: string): string[] => [name, ...['-wal', '-shm', '-journal'].map((suffix) => name + suffix)];
const OF_DATABASE = [...beside('countermand.db'), ...beside('countermand.db.new')];
const OTHERS = ['conductor.lock', 'reserve', 'reserve.new'];

/** Each kind, and how one is made; FIFO and socket are made once, and have further names. */
async function kindsOf(t: ExecutionContext): Promise<Readonly<Record<string, (path: string) => void>>> {
  const folder = await newFolder(t);
  const [fifo, socket] = [join(folder, 'fifo'), join(folder, 'socket')];
  execFileSync('mkfifo', [fifo]);
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return {
    FIFO: (path) => linkSync(fifo, path),
    socket: (path) => linkSync(socket, path),
    device: (path) => symlinkSync('/dev/zero', path),
    folder: (path) => mkdirSync(join(path, 'full'), { recursive: true }),
    link: (path) => symlinkSync('/nonexistent/disk', path),
  };
}

async function refused(t: ExecutionContext, folder: string, code: string, sentence: RegExp, what: string) {
  const error = await t.throwsAsync(openDatabase(folder, RESERVE_BYTES), undefined, what);
  t.is((error as CountermandError).code, code as never, `${what}: ${error?.message}`);
  t.regex(error?.message ?? '', sentence, what);
}

test('each kind of special file in place of each file of the data folder', async (t) => {
  const kinds = await kindsOf(t);
  for (const name of [...OF_DATABASE, ...OTHERS])
    for (const [kind, make] of Object.entries(kinds)) {
      const folder = await newFolder(t);
      const path = join(folder, name);
      make(path);
      const { ino } = lstatSync(path);
      const code = OTHERS.includes(name) ? 'DATA_FOLDER_UNUSABLE' : 'DATABASE_UNUSABLE';
      await refused(t, folder, code, new RegExp(`${path} is a ${kind}.*; nothing was written; `), `${kind} ${name}`);
      t.deepEqual(readdirSync(folder), [name]);
      t.is(lstatSync(path).ino, ino);
    }
});

test('each kind in place of the data folder itself', async (t) => {
  const { folder: _, ...kinds } = await kindsOf(t);
  for (const [kind, make] of Object.entries(kinds)) {
    const folder = join(await newFolder(t), 'data');
    make(folder);
    await refused(t, folder, 'DATA_FOLDER_UNUSABLE', new RegExp(`${folder} is a ${kind}.*choose another`), kind);
  }
});

test('a database that is a link to a file is opened there, and not made anew when its disk has gone', async (t) => {
  const [folder, disk] = [await newFolder(t), await newFolder(t)];
  const open = () => openDatabase(folder, RESERVE_BYTES);
  const first = await open();
  await putRows(first, nodeRow({ name: 'n1' }), null);
  await first.close();
  renameSync(join(folder, 'countermand.db'), join(disk, 'real.db'));
  symlinkSync(join(disk, 'real.db'), join(folder, 'countermand.db'));
  const second = await open();
  t.is((await second.read('nodes')).length, 1);
  t.true(readdirSync(disk).includes('real.db-wal'));
  t.is(lstatSync(join(disk, 'real.db-wal')).mode & 0o777, 0o600);
  await second.close();
  rmSync(join(disk, 'real.db'));
  await refused(t, folder, 'DATABASE_UNUSABLE', /countermand.db is a link to .*real.db, which is not there/, 'gone');
  t.true(lstatSync(join(folder, 'countermand.db')).isSymbolicLink());
});

test('a lock file that is none says what to do', async (t) => {
  const folder = await newFolder(t);
  writeFileSync(join(folder, 'conductor.lock'), 'garbage\n'.repeat(2000));
  await refused(
    t,
    folder,
    'DATA_FOLDER_UNUSABLE',
    /conductor.lock is not the lock that it should be; remove it/,
    'lock',
  );
  t.deepEqual(readdirSync(folder), ['conductor.lock']);
});

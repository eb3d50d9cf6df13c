/** Folders that are made, and those that cannot be. */
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder } from '../../src/core/folders.ts';
import { newFolder } from '../counterparts/folder.ts';

test('all that are missing are made, for their owner alone; one that is there stays as it is', async (t) => {
  const folder = await newFolder(t);
  makeFolder(join(folder, 'a/b/c'));
  for (const made of ['a', 'a/b', 'a/b/c']) t.is(statSync(join(folder, made)).mode & 0o777, 0o700, made);
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  makeFolder(join(folder, 'open'));
  t.is(statSync(join(folder, 'open')).mode & 0o777, 0o755);
});

test('what cannot be made is told, also where a file system takes no folders', async (t) => {
  const folder = await newFolder(t);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  t.throws(() => makeFolder(join(folder, 'file')), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(folder, 'file/below')), { code: 'ENOTDIR' });
  t.throws(() => makeFolder(join(folder, 'dangling')), { code: 'EEXIST' });
  t.throws(() => makeFolder('/proc/countermand/below'), { code: 'ENOENT' });
});

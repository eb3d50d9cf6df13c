/** Files that are read whole: what is no such file is refused before it fills the memory. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readConfiguration } from '../../src/cli/daemon/configuration.ts';
import { placeOf } from '../../src/cli/shared/place.ts';
import { openSmallFile, readAtStart, readSmallFile } from '../../src/core/small_file.ts';
import { newFolder } from '../counterparts/folder.ts';

const LIMIT = 8 * 2 ** 20;

/** A sparse file of this size. */
async function fileOf(t: ExecutionContext, bytes: number): Promise<string> {
  const path = join(await newFolder(t), 'file');
  await writeFile(path, '');
  await truncate(path, bytes);
  return path;
}

test('a file of any size up to the limit is read', async (t) => {
  const path = await fileOf(t, LIMIT);
  t.is(readSmallFile(path).length, LIMIT);
  const chunk = 2 ** 16;
  const text = `${'a'.repeat(chunk - 1)}\u00e9${'b'.repeat(chunk)}`;
  await writeFile(path, text);
  t.is(readSmallFile(path), text);
  await writeFile(path, '');
  t.is(readSmallFile(path), '');
});

test('what is larger is refused by whoever reads it, and so is what is no file', async (t) => {
  const path = await fileOf(t, LIMIT + 1);
  t.throws(() => readSmallFile(path), { code: 'EFBIG' });
  t.throws(() => readSmallFile(`${path}s`), { code: 'ENOENT' });
  t.throws(() => readSmallFile('/'), { code: 'EISDIR' });
  for (const [option, flag] of Object.entries({ tokenFile: '--token-file', ca: '--ca' }))
    t.throws(() => placeOf({ conductor: 'c.example:7077', [option]: path }, {}), {
      code: 'ARGUMENT_INVALID',
      message: `${flag}: ${path} cannot be read (EFBIG)`,
    });
  t.throws(() => readConfiguration({ config: path }, {}), {
    code: 'CONFIGURATION_INVALID',
    message: /larger than 8 MiB/,
  });
});

test('special files end with an error of the system, and a pipe is read when it is written', async (t) => {
  const folder = await newFolder(t);
  const [fifo, socket, dangling] = ['fifo', 'socket', 'dangling'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('mkfifo', [fifo]);
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  symlinkSync('/nonexistent/disk', dangling);
  const kinds = {
    [fifo]: 'ETIMEDOUT',
    [socket]: 'ENXIO',
    [dangling]: 'ENOENT',
    '/dev/zero': 'EFBIG',
    [folder]: 'EISDIR',
  };
  for (const [path, code] of Object.entries(kinds)) t.throws(() => readSmallFile(path, 20), { code }, path);
  t.is(readSmallFile('/dev/null'), '');
  // Its writer waits for a reader, and the reader for what it writes.
  const writer = spawn('sh', ['-c', '(printf one; printf two) > "$0"', fifo], { stdio: 'ignore' });
  const text = readSmallFile(fifo, 30_000);
  t.is(text, 'onetwo');
  await once(writer, 'close');
});

test('a silent pipe is waited for at a start alone: whoever has other work is told at once', async (t) => {
  const fifo = join(await newFolder(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { wait } = Atomics;
  let waits = 0;
  Atomics.wait = () => {
    waits += 1;
    return 'timed-out';
  };
  try {
    t.throws(() => readSmallFile(fifo), { code: 'ETIMEDOUT' });
    t.is(waits, 0);
    t.throws(() => readAtStart(fifo), { code: 'ETIMEDOUT' });
    t.is(waits, 500);
  } finally {
    Atomics.wait = wait;
  }
});

test('a file that is looked at again: another text is seen, and a pipe is read once and kept', async (t) => {
  const folder = await newFolder(t);
  const [fifo, file] = [join(folder, 'fifo'), join(folder, 'file')];
  const again = openSmallFile(file, ({ code }) => new Error(`told: ${code}`));
  t.throws(again, { message: 'told: ENOENT' });
  for (const text of ['one', 'two']) {
    await writeFile(file, text);
    t.is(again(), text);
  }
  execFileSync('mkfifo', [fifo]);
  const writer = spawn('sh', ['-c', 'printf secret > "$0"', fifo], { stdio: 'ignore' });
  const kept = openSmallFile(fifo, (error) => error);
  await once(writer, 'close');
  t.deepEqual([kept(), kept()], ['secret', 'secret']);
});

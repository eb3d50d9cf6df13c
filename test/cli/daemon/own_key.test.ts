/** The key in the data folder: a link to a disk that is not mounted is not followed by a new key. */
import { lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openKeys } from '../../../src/cli/daemon/secrets_keys.ts';
import { systemChance } from '../../../src/core/chance.ts';
import { newFolder } from '../../counterparts/folder.ts';

const terminal = { environment: {}, chance: systemChance } as Parameters<typeof openKeys>[2];

test('a key that is a dangling link, or no file, is told, and stays', async (t) => {
  for (const [name, make, says] of [
    ['secrets.key', (path: string) => symlinkSync('/nonexistent/disk', path), /secrets.key cannot be read: ENOENT/],
    ['secrets.key.next', (path: string) => symlinkSync('/nonexistent/disk', path), /key.next cannot be read: ENOENT/],
    ['secrets.key', (path: string) => mkdirSync(path), /secrets.key cannot be read: EISDIR/],
  ] as const) {
    const dataFolder = await newFolder(t);
    make(join(dataFolder, name));
    const { ino } = lstatSync(join(dataFolder, name));
    const place = { dataFolder, secretsKey: null, secretsKeyPrevious: null };
    t.throws(() => openKeys(place, false, terminal).sealer(), {
      code: 'CONFIGURATION_INVALID',
      message: says,
    } as never);
    t.deepEqual(readdirSync(dataFolder), [name]);
    t.is(lstatSync(join(dataFolder, name)).ino, ino);
  }
});

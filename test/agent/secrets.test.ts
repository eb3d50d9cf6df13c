import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { resolveSecrets } from '../../src/agent/secrets.ts';
import type { CountermandError } from '../../src/core/errors.ts';
import { newFolder } from '../counterparts/folder.ts';

const keys = new Set(['ipmi_password']);
const environment = { COUNTERMAND_SECRET_RACK7: 'hunter2', HOME: '/root' };

test('a file below the folder and a variable of ours are read; all else stays as it is', async (t) => {
  const folder = await newFolder(t);
  mkdirSync(join(folder, 'rack7'));
  writeFileSync(join(folder, 'rack7', 'bmc'), 'swordfish\n');
  const info = { a: 'file:rack7/bmc', b: 'env:COUNTERMAND_SECRET_RACK7', c: 'plain', d: 'profile:x' };
  t.deepEqual(resolveSecrets(info, new Set(['a', 'b']), { folder, environment }), {
    a: 'swordfish',
    b: 'hunter2',
    c: 'plain',
    d: 'profile:x',
  });
});

test('what is not below the folder, or not a variable of ours, is refused without its content', async (t) => {
  const root = await newFolder(t);
  const folder = join(root, 'secrets');
  mkdirSync(folder);
  writeFileSync(join(root, 'outside'), 'do-not-show');
  writeFileSync(join(folder, 'large'), 'x'.repeat(5000));
  symlinkSync(join(root, 'outside'), join(folder, 'link'));
  const values = [
    'file:../outside',
    'file:link',
    `file:${join(root, 'outside')}`,
    'file:missing',
    'file:large',
    'file:',
    'env:HOME',
    'env:COUNTERMAND_SECRET_NONE',
  ];
  for (const value of values) {
    const error = t.throws(() =>
      resolveSecrets({ ipmi_password: value }, keys, { folder, environment }),
    ) as CountermandError;
    t.is(error.code, 'SECRET_UNREADABLE', value);
    t.regex(error.message, /ipmi_password/);
    t.notRegex(error.message, /do-not-show|\/root$/);
  }
  const error = t.throws(() => resolveSecrets({ ipmi_password: 'file:x' }, keys, { folder: null, environment }));
  t.regex(error?.message ?? '', /secrets_dir/);
});

test('outside of the folder a file that is there and one that is not have the same sentence', async (t) => {
  const root = await newFolder(t);
  const folder = join(root, 'secrets');
  mkdirSync(folder);
  writeFileSync(join(root, 'outside'), 'do-not-show');
  symlinkSync(root, join(folder, 'up'));
  const told = (name: string): string => {
    const value = `file:${name}`;
    const error = t.throws(() => resolveSecrets({ ipmi_password: value }, keys, { folder, environment }));
    return String(error?.message).replace(value, 'it');
  };
  const outside = [
    '../outside',
    '../missing',
    '../missing/deeper',
    'up/outside',
    'up/missing',
    'up/a/b',
    'up',
    '..',
    '.',
  ];
  t.deepEqual([...new Set(outside.map(told))], ["driver_info.ipmi_password: it is not below the agent's secrets_dir"]);
  t.regex(told('missing/deeper'), /does not exist below/);
  rmSync(folder, { recursive: true });
  t.regex(told('missing'), /does not exist below/);
});

test('only a secret key may have a reference: any other would be shown', (t) => {
  const sources = { folder: null, environment };
  for (const value of ['file:x', 'env:COUNTERMAND_SECRET_RACK7'])
    t.throws(() => resolveSecrets({ ipmi_address: value }, keys, sources), {
      message: 'driver_info.ipmi_address: file:, env: and vault: stand for secrets, and ipmi_address is none',
    });
});

/** Files that a node names: below one folder, regular, small, read once; and nothing is told of any other. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { CountermandError, fail } from '../../src/core/errors.ts';
import { Authorities } from '../../src/drivers/authorities.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { createDrivers } from '../../src/drivers/list.ts';
import { newFolder } from '../counterparts/folder.ts';
import { never } from '../counterparts/signals.ts';
import { HandClock } from '../world/hand_clock.ts';

const KEY = 'irmc_verify_ca';

/** Authorities below a folder with some files. */
async function authoritiesOf(t: ExecutionContext) {
  const folder = await newFolder(t);
  await writeFile(join(folder, 'one.pem'), 'one');
  await mkdir(join(folder, 'more'));
  await writeFile(join(folder, 'more', 'two.pem'), 'two');
  await writeFile(join(folder, 'more', 'three.pem'), 'three');
  await mkdir(join(folder, 'more', 'deeper'));
  const clock = new HandClock();
  return { folder, clock, authorities: new Authorities(folder, clock) };
}

const refusalOf = async (t: ExecutionContext, authorities: Authorities, verify: string): Promise<string> => {
  const error = await t.throwsAsync(authorities.trust(verify, KEY, never()), { instanceOf: CountermandError });
  t.is(error.code, 'DRIVER_INFO_INVALID');
  return error.message;
};

const textsOf = async (authorities: Authorities, verify: string): Promise<string[]> => {
  const { ca, rejectUnauthorized } = await authorities.trust(verify, KEY, never());
  return [String(rejectUnauthorized), ...(ca ?? []).map(String).sort()];
};

test('a file, a folder, the whole folder, and no file at all', async (t) => {
  const { folder, authorities } = await authoritiesOf(t);
  await symlink('../one.pem', join(folder, 'more', 'link.pem'));
  t.deepEqual(await textsOf(authorities, 'one.pem'), ['true', 'one']);
  t.deepEqual(await textsOf(authorities, join(folder, 'one.pem')), ['true', 'one']);
  t.deepEqual(await textsOf(authorities, 'more'), ['true', 'one', 'three', 'two']);
  t.deepEqual(await textsOf(authorities, 'more/../one.pem'), ['true', 'one']);
  t.deepEqual(await textsOf(authorities, folder), ['true', 'one']);
  t.deepEqual(await textsOf(authorities, 'true'), ['true']);
  t.deepEqual(await textsOf(authorities, 'false'), ['false']);
});

test('what is outside of the folder has one sentence, whether it is there or not', async (t) => {
  const { folder, authorities } = await authoritiesOf(t);
  await mkdir(`${folder}-beside`);
  const outside = [
    '/etc/passwd',
    '/nowhere',
    '/proc/kmsg',
    '/',
    '..',
    '../x',
    'more/../../x',
    `${folder}-beside`,
    'a\0b',
  ];
  const told = new Set<string>();
  for (const path of outside) told.add(await refusalOf(t, authorities, path));
  t.deepEqual([...told], ['driver_info.irmc_verify_ca names no file below bmc_ca_dir of the agent']);
});

test('without a folder nothing is read', async (t) => {
  const authorities = new Authorities(null, new HandClock());
  const told = new Set<string>();
  for (const path of ['/etc/passwd', '/nowhere', 'x.pem']) told.add(await refusalOf(t, authorities, path));
  t.is(told.size, 1);
  t.regex([...told].join(), /set bmc_ca_dir/);
  t.deepEqual(await textsOf(authorities, 'true'), ['true']);
});

test('a pipe is not waited for, a large file is not read, and a folder has a limit as a whole', async (t) => {
  const { folder, clock, authorities } = await authoritiesOf(t);
  await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
  t.regex(await refusalOf(t, authorities, 'pipe'), /it is no file/);
  await writeFile(join(folder, 'large'), '');
  await truncate(join(folder, 'large'), 512 * 1024);
  t.is((await authorities.trust('large', KEY, never())).ca?.[0]?.length, 512 * 1024);
  await truncate(join(folder, 'large'), 2 ** 40);
  clock.moveOn(10_000);
  t.regex(await refusalOf(t, authorities, 'large'), /more than 524288 bytes/);
  for (const name of ['a', 'b']) await writeFile(join(folder, 'more', name), 'x'.repeat(300 * 1024));
  t.regex(await refusalOf(t, authorities, 'more'), /more than 524288 bytes/);
  t.regex(await refusalOf(t, authorities, 'none.pem'), /cannot use none\.pem \(ENOENT\)/);
});

test('a file is read once for all who ask within ten seconds, and again after them; a failure is not kept', async (t) => {
  const { folder, clock, authorities } = await authoritiesOf(t);
  const first = await Promise.all(Array.from({ length: 100 }, () => authorities.trust('one.pem', KEY, never())));
  t.is(new Set(first.map(({ secureContext }) => secureContext)).size, 1);
  await writeFile(join(folder, 'one.pem'), 'new');
  t.deepEqual(await textsOf(authorities, 'one.pem'), ['true', 'one']);
  clock.moveOn(10_000);
  t.deepEqual(await textsOf(authorities, 'one.pem'), ['true', 'new']);
  await refusalOf(t, authorities, 'late.pem');
  await writeFile(join(folder, 'late.pem'), 'late');
  t.deepEqual(await textsOf(authorities, 'late.pem'), ['true', 'late']);
});

test('an abort is told at once', async (t) => {
  const { authorities } = await authoritiesOf(t);
  const reason = fail('ABORT_REQUESTED', 'enough');
  t.is(await authorities.trust('one.pem', KEY, AbortSignal.abort(reason)).catch((error) => error), reason);
});

test('the drivers of an agent read below its folder, and have been given nothing else', async (t) => {
  const folder = await newFolder(t);
  for (const [bmcCaFolder, says] of [
    [folder, /cannot use none\.pem \(ENOENT\)/],
    [null, /set bmc_ca_dir/],
  ] as const) {
    const parts = { clock: systemClock, chance: systemChance, searchPath: '', ipmiKeepSessionMs: 0 };
    const drivers = createDrivers({ ...parts, bmcCaFolder, openFilesLimit: 1024 });
    for (const name of ['redfish', 'irmc']) {
      const driver = drivers.find((each) => each.name === name) as Driver;
      const login = { [`${name}_username`]: 'admin', [`${name}_password`]: 'secret' };
      const info = { ...login, [`${name}_address`]: '127.0.0.1', [`${name}_verify_ca`]: 'none.pem' };
      const order = driver.setPowerState(driver.parse(info), 'power off', never());
      await t.throwsAsync(order, { instanceOf: CountermandError, message: says }, name);
    }
    for (const driver of drivers) driver.close();
  }
});

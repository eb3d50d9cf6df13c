/** Secrets at rest: without its key, a data folder gives nothing away, also one that an earlier version has written. */
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { readConfiguration } from '../../src/cli/daemon/configuration.ts';
import { openConfigured } from '../../src/cli/daemon/open_database.ts';
import { digestOf } from '../../src/core/digest.ts';
import type { Database } from '../../src/server/store/database.ts';
import { findNode, listAllNodes } from '../../src/server/store/nodes.ts';
import { resealNodes } from '../../src/server/store/reseal.ts';
import { nodeCodec } from '../../src/server/store/rows.ts';
import { RESERVE_BYTES } from '../../src/server/store/sqlite/reserve.ts';
import { openCaptured } from '../cli/captured.ts';
import { newFolder } from '../counterparts/folder.ts';
import { nodeRow } from '../server/rows.ts';
import { insertOld, oldFolder } from '../server/store/old_database.ts';
import { openHouse } from './house.ts';
import { nodeNow } from './orders.ts';
import { runHere } from './processes.ts';

const SECRET = 'pLanted-7Zk3w';
/** The last version that did not seal. */
const PLAIN_VERSION = 18;
const keyText = (byte: number): string => Buffer.alloc(32, byte).toString('base64');

const open = (data: string, settings: Record<string, string> = {}, variables: Record<string, string> = {}) =>
  openConfigured(readConfiguration({ data, ...settings }, {}), openCaptured(false, variables).terminal);

/** True if a secret stands in any file of a folder but the key. The bytes are searched as they are: the reserve alone has 48 MB of them. */
const holdsSecret = (folder: string): boolean =>
  readdirSync(folder)
    .filter((name) => !name.startsWith('secrets.key'))
    .some((name) => readFileSync(join(folder, name)).includes(SECRET));

/** The stored texts by the names of their nodes. */
function storedIn(folder: string): Record<string, string> {
  const raw = new BetterSqlite3(join(folder, 'countermand.db'), { readonly: true });
  const rows = raw.prepare('select name, driver_info from nodes order by name').all() as Record<string, string>[];
  raw.close();
  return Object.fromEntries(rows.map(({ name, driver_info }) => [name, String(driver_info)]));
}

const pretendReserve = (folder: string): void => {
  writeFileSync(join(folder, 'reserve'), '');
  truncateSync(join(folder, 'reserve'), RESERVE_BYTES);
};

/** A data folder of the version before, as a crash has left it: secrets in rows, in free pages, and in the write-ahead log. */
async function plainFolder(t: ExecutionContext, nodes = 3): Promise<string> {
  const rows = Array.from({ length: nodes }, (_, at) =>
    nodeRow({ name: `n${at}`, bmcKey: `n${at}`, driverInfo: { ipmi_password: `${SECRET}-${at}` } }),
  );
  const before = await oldFolder(
    PLAIN_VERSION,
    async (knex) => {
      await knex.raw('pragma synchronous = off');
      const deleted = nodeRow({
        name: 'deleted',
        driverInfo: { ipmi_password: `${SECRET}-deleted`.padEnd(5000, 'x') },
      });
      await insertOld('nodes', [nodeCodec.encode(deleted)], knex);
      const others = rows.slice(1).map((row) => nodeCodec.encode(row));
      await insertOld('nodes', others, knex);
      await knex('nodes').where('name', 'deleted').delete();
    },
    t,
  );
  const raw = new BetterSqlite3(join(before, 'countermand.db'));
  raw.pragma('journal_mode = WAL');
  const row = nodeCodec.encode(rows[0] as never);
  const columns = (raw.pragma('table_info(nodes)') as { name: string }[]).map(({ name }) => name);
  const known = columns.filter((name) => name in row);
  raw.prepare(`insert into nodes (${known}) values (${known.map(() => '?')})`).run(known.map((name) => row[name]));
  const folder = join(await newFolder(t), 'data');
  cpSync(before, folder, { recursive: true });
  raw.close();
  pretendReserve(folder);
  return folder;
}

test('a data folder of the version before is sealed at the first start, with its log and its free pages', async (t) => {
  const folder = await plainFolder(t);
  t.regex(readFileSync(join(folder, 'countermand.db'), 'latin1'), /pLanted-7Zk3w-deleted/);
  t.regex(readFileSync(join(folder, 'countermand.db-wal'), 'latin1'), /pLanted-7Zk3w-0/);
  const { database, resealed } = await open(folder);
  t.is(resealed, 3);
  t.false(holdsSecret(folder), 'also while it is open');
  t.is((await findNode('n0', database.read))?.driverInfo.ipmi_password, `${SECRET}-0`);
  await database.close();
  t.false(holdsSecret(folder));
  t.is(statSync(join(folder, 'secrets.key')).mode & 0o777, 0o600);
  t.true(Object.values(storedIn(folder)).every((text) => text.startsWith('sealed:1:')));

  const again = await open(folder);
  t.is(again.resealed, 0);
  t.is((await listAllNodes(again.database.read)).length, 3);
  await again.database.close();
});

test('a crash between sealing and writing the file anew: the next start does it', async (t) => {
  const folder = await plainFolder(t);
  const path = join(folder, 'countermand.db');
  await (await open(folder)).database.close();
  // As the crash would have left it: sealed rows, and an old page that is free.
  const raw = new BetterSqlite3(path);
  raw.exec(`create table old (text); insert into old values ('${SECRET.padEnd(9000, 'x')}'); drop table old`);
  raw.pragma('user_version = 0');
  raw.close();
  t.true(holdsSecret(folder));
  await (await open(folder)).database.close();
  t.false(holdsSecret(folder));
});

test('a wrong or a missing key is refused, and nothing is written', async (t) => {
  const folder = await plainFolder(t);
  await (await open(folder)).database.close();
  const key = join(folder, 'secrets.key');
  const [id] = /(?<=^sealed:1:)\w{16}/.exec(storedIn(folder).n0 ?? '') ?? [];
  renameSync(key, `${key}-away`);
  const content = () => [
    digestOf(readFileSync(join(folder, 'countermand.db'), 'latin1')),
    readdirSync(folder)
      .filter((name) => !name.startsWith('countermand.db-'))
      .toSorted(),
  ];
  const before = content();
  const serve = (...more: string[]) =>
    runHere(['serve', '--data', folder, '--http-listen', 'none', '--listen', '127.0.0.1:0', ...more], {
      WRONG_KEY: keyText(7),
      NO_KEY: 'a password',
    });
  const rows: Readonly<Record<string, readonly [more: string[], exitCode: number, says: RegExp]>> = {
    missing: [
      [],
      5,
      new RegExp(`sealed with the key ${id}, and ${key} does not exist; nothing was written; name the key`),
    ],
    wrong: [
      ['--secrets-key', 'env:WRONG_KEY'],
      5,
      new RegExp(`with the key ${id}, and secrets_key is the key \\w{16};`),
    ],
    'not there': [['--secrets-key', `file:${folder}/nosuch`], 2, /secrets_key file:\S+ cannot be read: ENOENT/],
    'no key': [['--secrets-key', 'env:NO_KEY'], 2, /secrets_key env:NO_KEY must be 32 bytes in base64 or hexadecimal/],
    'not set': [['--secrets-key', 'env:NOT_SET'], 2, /secrets_key env:NOT_SET is not set in the environment/],
    'no credentials': [['--secrets-key', 'credential:key'], 2, /systemd has handed no credentials over/],
    'no place': [['--secrets-key', keyText(7)], 2, /--secrets-key must be file:PATH, env:VARIABLE or credential:NAME/],
  };
  for (const [name, [more, exitCode, says]] of Object.entries(rows)) {
    const ended = await serve(...more);
    t.is(ended.exitCode, exitCode, `${name}: ${ended.stderr}`);
    t.regex(ended.stderr, says, name);
    t.notRegex(ended.stderr, /a password|BwcH/, name);
    t.deepEqual(content(), before, name);
  }
  // A key from elsewhere, one of the forms each, is as good as its own.
  const text = readFileSync(`${key}-away`, 'utf8').trim();
  const settings = { secretsKey: 'credential:key' };
  writeFileSync(join(folder, 'key'), Buffer.from(text, 'base64').toString('hex'));
  const { database } = await open(folder, settings, { CREDENTIALS_DIRECTORY: folder });
  t.is((await listAllNodes(database.read)).length, 3);
  await database.close();
  t.false(existsSync(key), 'no key is made where one is configured');
});

/** A database whose process dies before its second write. */
const dying = (database: Database): Pick<Database, 'read' | 'write'> => {
  let writes = 0;
  return {
    read: database.read,
    write(work) {
      writes += 1;
      return writes === 1 ? database.write(work) : Promise.reject(new Error('killed'));
    },
  };
};

test('the key is rotated in portions, and after a crash the rest is sealed by whichever comes first', async (t) => {
  const folder = await plainFolder(t, 500);
  await (await open(folder)).database.close();
  const oldKey = readFileSync(join(folder, 'secrets.key'), 'utf8');
  const ids = () => new Set(Object.values(storedIn(folder)).map((text) => text.slice(0, 25)));
  const [old] = ids();

  // The command has made the key that follows, and is killed after its first portion.
  writeFileSync(join(folder, 'secrets.key.next'), keyText(9), { mode: 0o600 });
  const configuration = readConfiguration({ data: folder }, {});
  const { openKeys } = await import('../../src/cli/daemon/secrets_keys.ts');
  const { openDatabase } = await import('../../src/server/store/sqlite/database.ts');
  const keys = openKeys(configuration, true, openCaptured(false, {}).terminal);
  const database = await openDatabase(folder, RESERVE_BYTES, keys);
  await t.throwsAsync(resealNodes(dying(database), keys.sealer()), { message: 'killed' });
  const half = await listAllNodes(database.read);
  t.is(half.filter(({ driverInfo }) => driverInfo.ipmi_password?.startsWith(SECRET)).length, 500, 'all can be read');
  await database.close();
  t.is(ids().size, 2);

  const again = await runHere(['secrets', 'rotate', '--data', folder]);
  t.is(again.exitCode, 0, again.stderr);
  t.regex(
    again.stdout,
    /^sealed 100 nodes anew in .*\nbackups that were made before need the key \S+secrets.key.\w{16}: delete/,
  );
  t.is(ids().size, 1);
  t.false(ids().has(old ?? ''));
  t.is(readFileSync(join(folder, 'secrets.key'), 'utf8').trim(), keyText(9));
  const [kept] = readdirSync(folder).filter((name) => /^secrets\.key\.\w{16}$/.test(name));
  t.is(readFileSync(join(folder, kept ?? ''), 'utf8'), oldKey);
  t.false(existsSync(join(folder, 'secrets.key.next')));

  // One's own key follows by the configuration alone.
  const variables = { NEW_KEY: keyText(3) };
  const moved = await open(folder, { secretsKey: 'env:NEW_KEY' }, variables);
  t.is(moved.resealed, 500);
  await moved.database.close();
  rmSync(join(folder, 'secrets.key'));
  const refused = await runHere(['secrets', 'rotate', '--data', folder, '--secrets-key', 'env:NEW_KEY'], variables);
  t.is(refused.exitCode, 2);
  t.regex(refused.stderr, /name a new key with secrets_key, and the present one with secrets_key_previous/);
  const flags = ['--secrets-key', 'env:NEXT_KEY', '--secrets-key-previous', 'env:NEW_KEY'];
  const own = await runHere(['secrets', 'rotate', '--data', folder, ...flags], { ...variables, NEXT_KEY: keyText(4) });
  t.regex(own.stdout, /^sealed 500 nodes anew .*\nsecrets_key_previous is not needed any more/, own.stderr);
});

test('what was put into the row of another node does not open there, and keeps no other node from its work', async (t) => {
  const house = await openHouse(t, { here: true });
  const info = { fake_address: 'n1', fake_password: SECRET };
  await house.client.nodes.createNode({ name: 'n1', driver: 'fake', driverInfo: info });
  await house.client.nodes.createNode({ name: 'n2', driver: 'fake', driverInfo: { fake_address: 'n2' } });
  t.false(holdsSecret(house.data));
  // Beside a conductor that runs, nothing is rotated, now or at its next start.
  const rotated = await runHere(['secrets', 'rotate', '--data', house.data]);
  t.is(rotated.exitCode, 5, rotated.stderr);
  t.regex(rotated.stderr, /another conductor .*uses the data folder/);
  t.false(existsSync(join(house.data, 'secrets.key.next')));
  house.conductor.signal('SIGTERM');
  await house.conductor.ended;
  const raw = new BetterSqlite3(join(house.data, 'countermand.db'));
  raw.exec("update nodes set driver_info = (select driver_info from nodes where name = 'n1') where name = 'n2'");
  raw.close();
  await house.start('conductor');

  t.like(await house.client.nodes.validateNode({ node: 'n1' }), { valid: true });
  const moved = await house.client.nodes.validateNode({ node: 'n2' });
  t.false(moved.valid);
  t.regex(
    JSON.stringify(moved),
    /stored driver_info does not open: .*remove driver_info.unopened, and set all other keys/,
  );
  t.is((await house.client.nodes.listNodes({})).nodes.length, 2);
  await house.client.nodes.updateNode({
    node: 'n2',
    removeDriverInfo: ['unopened'],
    setDriverInfo: { fake_address: 'n2' },
  });
  t.like((await nodeNow(house.client, 'n2')).driverInfo, { fake_address: 'n2' });
});

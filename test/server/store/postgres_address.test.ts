/** URLs of PostgreSQL: what they say, and what is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readPostgresUrl } from '../../../src/server/store/postgres/address.ts';
import { newFolder } from '../../counterparts/folder.ts';

const GOOD: Readonly<Record<string, object>> = {
  'postgres://cm@db7/countermand': {
    ...{ host: 'db7', port: 5432, user: 'cm', database: 'countermand', words: 'database countermand on db7:5432' },
    ssl: { rejectUnauthorized: true },
  },
  'postgresql://cm@db7:5433/x?sslmode=require': { port: 5433, ssl: { rejectUnauthorized: false } },
  'postgres://cm@db7/x?sslmode=disable': { ssl: false },
  'postgres://cm@127.0.0.1/x': { ssl: false },
  'postgres://cm@[::1]/x': { host: '::1', ssl: false },
  'postgres://cm@localhost/x?sslmode=verify-full': { ssl: { rejectUnauthorized: true } },
  'postgres://cm@[fd00::7]/x': { host: 'fd00::7', ssl: { rejectUnauthorized: true } },
  'postgres://cm@/x?host=/run/postgresql': {
    ...{ host: '/run/postgresql', ssl: false, words: 'database x on /run/postgresql' },
  },
  'postgres://c%40m@db7/a%20b': { user: 'c@m', database: 'a b' },
  'postgres://cm@db7/x?options=-c%20search_path%3Dcm': { options: '-c search_path=cm' },
};
for (const [url, says] of Object.entries(GOOD))
  test(url, (t) => {
    const address = readPostgresUrl(url, 'secret');
    t.like(address, { ...says, password: 'secret' });
    t.false(address.words.includes('secret'));
  });

const BAD: Readonly<Record<string, RegExp>> = {
  'postgres://cm:hunter2@db7/x':
    /it contains a password; give that in database_password_file or COUNTERMAND_DATABASE_PASSWORD/,
  'postgres://db7/x': /it names no user/,
  'postgres://cm@db7': /it names no database/,
  'postgres://cm@db7/': /it names no database/,
  'postgres://cm@db7/a/b': /it names no database/,
  'postgres:///x': /it names no host/,
  'postgres://cm@/x': /it names no host/,
  'postgres://cm@db7:99999/x': /it is no URL/,
  'postgres://cm@db7/x?port=0': /its port is no number from 1 to 65535/,
  'postgres://cm@db7/x?sslmod=verify-full': /a parameter 'sslmod' that is none; there are host, port, sslmode, /,
  'postgres://cm@db7/x?sslmode=prefer':
    /its sslmode is 'prefer', and must be one of disable, require, verify-ca, verify-full/,
  'postgres://cm@127.0.0.1/x?sslrootcert=/ca.pem': /it names certificates, and does not use TLS/,
  'postgres://cm@db7/x?sslrootcert=/no/such.pem': /its file \/no\/such.pem cannot be read/,
  'postgres://cm@db7/x%': /percent signs/,
  'mysql://cm:hunter2@db7/x': /it is no URL of the form/,
};
for (const [url, says] of Object.entries(BAD))
  test(`${url.replace('hunter2', '...')} is refused`, (t) => {
    const error = t.throws(() => readPostgresUrl(url, null), { code: 'CONFIGURATION_INVALID', message: says });
    t.false(error?.message.includes('hunter2'));
  });

test('certificates are read from files', async (t) => {
  const ca = join(await newFolder(t), 'ca.pem');
  writeFileSync(ca, 'an authority');
  const named = readPostgresUrl(`postgres://cm@db7/x?sslrootcert=${ca}`, null);
  t.like(named.ssl, { ca: 'an authority', rejectUnauthorized: true, checkServerIdentity: undefined });
  const { ssl } = readPostgresUrl(`postgres://cm@db7/x?sslmode=verify-ca&sslrootcert=${ca}`, null);
  if (ssl === false) return t.fail('it is without TLS');
  t.true(ssl.rejectUnauthorized);
  t.is(ssl.checkServerIdentity?.('db7', {} as never), undefined);
  t.is(typeof ssl.checkServerIdentity, 'function', 'any name will do');
});

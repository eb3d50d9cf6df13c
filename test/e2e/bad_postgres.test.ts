/** What keeps a conductor from starting on PostgreSQL: one sentence, an exit code, nothing written, and never the password. */
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newAuthority, selfSigned } from '../counterparts/certificates.ts';
import { newFolder } from '../counterparts/folder.ts';
import { type PostgresServer, sharedPostgres } from '../counterparts/postgres.ts';
import { SimulatedProcess } from '../world/process.ts';
import { runHere, startConductorHere, type Variables } from './processes.ts';

const postgres = sharedPostgres();
const PASSWORD = 'hunter2';
let users = 0;

/** A conductor with this database ends with this exit code and one sentence, and the database is as it was. */
async function refuses(
  t: ExecutionContext,
  url: string,
  exitCode: number,
  sentence: RegExp,
  variables: Variables = {},
  more: readonly string[] = [],
  clock: Clock = systemClock,
): Promise<void> {
  const words = ['serve', '--database', url, '--listen', `${ownAddress()}:0`, '--http-listen', 'none', ...more];
  const ended = await runHere(words, { COUNTERMAND_DATABASE_PASSWORD: PASSWORD, ...variables }, clock);
  t.like(ended, { exitCode, stdout: '' }, ended.stderr);
  t.regex(ended.stderr, sentence);
  t.is(ended.stderr.split('\n').length, 1, ended.stderr);
  t.false(ended.stderr.includes(PASSWORD), ended.stderr);
}

/** A user of the server, whose password is known. */
async function newUser(t: ExecutionContext, server: PostgresServer): Promise<string> {
  users += 1;
  const user = `user${users}`;
  await server.query(`create role ${user} login password '${PASSWORD}'`);
  t.teardown(() => server.query(`drop owned by ${user}; drop role ${user}`).catch(() => {}));
  return user;
}

const tables = (server: PostgresServer, name: string) =>
  server.query("select tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')", name);

test('a server that is not there', async (t) => {
  const says =
    /^error: the database x on [\d.]+:9 does not answer \(connect ECONNREFUSED.*\); nothing was written; start the server/;
  await refuses(t, `postgres://cm@${ownAddress()}:9/x`, 6, says);
  await refuses(t, 'postgres://cm@/x?host=/no/such/folder', 6, /does not answer \(connect ENOENT/);
  await refuses(t, 'postgres://cm@no-such-host.invalid/x?sslmode=disable', 6, /does not answer \(getaddrinfo/);
});

test('no such database, no such user, a wrong password, none at all', async (t) => {
  const server = await postgres();
  await refuses(
    t,
    server.urlOf('nowhere'),
    5,
    /there is no such database; create it on the server: CREATE DATABASE nowhere/,
  );
  const user = await newUser(t, server);
  const url = server.urlOf(await server.newDatabase(t), { user });
  const wrong = { COUNTERMAND_DATABASE_PASSWORD: 'wrong' };
  await refuses(
    t,
    url,
    5,
    /it refuses the password of user user\d+; give the right one in database_password_file/,
    wrong,
  );
  await refuses(t, server.urlOf('postgres', { user: 'ghost' }), 5, /it refuses the password of user ghost/);
  const none = { COUNTERMAND_DATABASE_PASSWORD: '', PGPASSFILE: '/dev/null' };
  await refuses(t, url, 5, /it asks for a password; give it in database_password_file/, none);
});

test('a URL that says something else than what is meant', async (t) => {
  await refuses(t, `postgres://cm:${PASSWORD}@db7/x`, 2, /the URL is not usable: it contains a password/);
  await refuses(t, 'postgres://cm@db7/x?sslmode=prefer', 2, /its sslmode is 'prefer', and must be one of/);
  await refuses(t, `mysql://cm:${PASSWORD}@db7/x`, 2, /--database must be postgres:.*; given: something else/);
  const more = ['--database-password-file', '/no/such/file'];
  await refuses(t, 'postgres://cm@db7/x', 2, /database_password_file cannot be read/, {}, more);
});

test('a user without the right to create tables', async (t) => {
  const server = await postgres();
  const [name, user] = [await server.newDatabase(t), await newUser(t, server)];
  await server.query('revoke create on schema public from public', name);
  const says =
    /user user\d+ has no right to create tables in schema public; nothing was written; grant it: GRANT CREATE ON/;
  await refuses(t, server.urlOf(name, { user }), 5, says);
  t.deepEqual(await tables(server, name), []);
});

test('a user who may not write all of the tables, and one who may not follow the leader', async (t) => {
  const server = await postgres();
  const [name, user] = [await server.newMigrated(t), await newUser(t, server)];
  const url = server.urlOf(name, { user });
  await server.query(`grant all on all tables in schema public to ${user}`, name);
  const lacks = (what: string) =>
    new RegExp(
      `user ${user} may not read and write ${what}; nothing was written; grant it: GRANT ALL ON ALL TABLES IN`,
    );
  const more = ['--data', await newFolder(t)];
  await refuses(t, url, 5, lacks('events_sequence_seq, .*, trail_sequence_seq'), {}, more);
  await server.query(`grant all on all sequences in schema public to ${user}`, name);
  await server.query(`revoke insert on nodes from ${user}`, name);
  await refuses(t, url, 5, lacks('nodes'), {}, more);
  await server.query(`grant insert on nodes to ${user}`, name);
  const [row] = await server.query('select generation from database_owner', name);

  // While another one leads, one that stands by is told the same, and also if it could not end the session of the leader.
  const data = await newFolder(t);
  const listens = { listen: `${ownAddress()}:0`, http_listen: 'none' };
  await startConductorHere(t, { database: server.urlOf(name), data, ...listens }, false);
  const same = ['--data', await newFolder(t), '--secrets-key', `file:${join(data, 'secrets.key')}`];
  const follows = new RegExp(
    `is user countermand of the database ${name} .*, whose session user ${user} may not see and end`,
  );
  await refuses(t, url, 5, follows, {}, same);
  const owners = await server.query('select generation from database_owner', name);
  t.is(Number(owners[0]?.generation), Number(row?.generation) + 1, 'only the leader has led');
});

// A replica is a copy of the server's folder, into which the test of TLS writes: the two run one after the other.
test.serial('a database that cannot be written', async (t) => {
  const server = await postgres();
  const name = await server.newDatabase(t);
  await server.query(`alter database ${name} set default_transaction_read_only = on`);
  await refuses(t, server.urlOf(name), 5, /default_transaction_read_only is on, so that it cannot be written/);
  t.deepEqual(await tables(server, name), []);
  const replica = server.urlOf(name, { port: await server.startReplica(t) });
  await refuses(
    t,
    replica,
    5,
    /the database test\d+ .* cannot be used: it is a replica, which cannot be written; name the primary/,
  );
});

test('a database in another encoding, and one of another program', async (t) => {
  const server = await postgres();
  const name = await server.newDatabase(t);
  await server.query('create table orders (id int)', name);
  await refuses(
    t,
    server.urlOf(name),
    5,
    /schema public of the database test\d+ .* has tables that are not countermand's/,
  );
  t.deepEqual(await tables(server, name), [{ tablename: 'orders' }]);
  await server.query("create database latin encoding 'LATIN1' locale 'C' template template0");
  t.teardown(() => server.query('drop database latin'));
  await refuses(t, server.urlOf('latin'), 5, /its encoding is LATIN1; create one with ENCODING 'UTF8'/);
});

test('a database that a newer version has written', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  await server.query("insert into knex_migrations (name) values ('9999_from_the_future')", name);
  const before = await server.query('select * from database_owner', name);
  await refuses(t, server.urlOf(name), 5, /has a change 9999_from_the_future that this version does not know/);
  t.deepEqual(await server.query('select * from database_owner', name), before);
});

test('a host whose clock is ten minutes off from that of the database', async (t) => {
  const server = await postgres();
  const name = await server.newDatabase(t);
  const off = (aheadMs: number) => new SimulatedProcess({ aheadMs, speed: 1 }).clock(systemClock);
  for (const [ms, says] of [
    [
      600_000,
      /the clock of this host is \d{3} s ahead of that of the database test\d+ .*; nothing was written; set both/,
    ],
    [-600_000, /the clock of this host is \d{3} s behind that of the database test\d+ .* must be within 60 s of it/],
  ] as const)
    await refuses(t, server.urlOf(name), 5, says, {}, [], off(ms));
  t.deepEqual(await tables(server, name), []);
});

test('two installations that name one database by mistake: the second has another key', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  const [first, second] = [await newFolder(t), await newFolder(t)];
  const url = server.urlOf(name);
  await startConductorHere(t, { data: first, listen: `${ownAddress()}:0`, database: url }, true);
  const key = join(second, 'secrets.key');
  await writeFile(key, Buffer.alloc(32, 9).toString('base64'), { mode: 0o600 });
  const rows = async () => [
    await server.query('select generation, conductor_uuid from database_owner', name),
    await server.query('select uuid from conductors', name),
    await server.query('select id from sealing_key', name),
  ];
  const before = await rows();
  await refuses(t, url, 5, /was sealed with the key \w{16}, and .*; nothing was written/, {}, ['--data', second]);
  t.deepEqual(await rows(), before);
  t.deepEqual(readdirSync(second), ['secrets.key']);
});

test.serial('TLS: who vouches for the server is asked, and the password is read from a file', async (t) => {
  const server = await postgres();
  const [name, user, folder, authority] = await Promise.all([
    server.newDatabase(t),
    newUser(t, server),
    newFolder(t),
    newAuthority(t),
  ]);
  await server.query(`grant all on schema public to ${user}`, name);
  const url = (query: string): string => `${server.urlOf(name, { user })}?${query}`;
  await refuses(t, url('sslmode=verify-full'), 5, /the server has no TLS; switch it on there, or say sslmode=disable/);
  await server.useTls(await authority.issue(server.host));
  await refuses(t, url('sslmode=verify-full'), 5, /TLS with the server fails \(.*\); see sslmode and sslrootcert/);
  const other = await selfSigned(t, server.host);
  await writeFile(join(folder, 'other.pem'), other.cert);
  await refuses(t, url(`sslmode=verify-ca&sslrootcert=${join(folder, 'other.pem')}`), 5, /TLS with the server fails/);
  t.deepEqual(await tables(server, name), []);
  const file = join(folder, 'password');
  await writeFile(file, `${PASSWORD}\n`);
  const settings = {
    ...{ data: folder, listen: `${ownAddress()}:0`, database_password_file: file },
    database: url(`sslmode=verify-full&sslrootcert=${authority.file}`),
  };
  const { said, logged } = await startConductorHere(t, settings, true);
  t.false([...said.seen, ...logged.seen].join('\n').includes(PASSWORD));
  const [{ ssl }] = (await server.query(
    `select bool_and(ssl) as ssl from pg_stat_ssl join pg_stat_activity using (pid) where usename = '${user}'`,
  )) as [{ ssl: unknown }];
  t.true(ssl);
});

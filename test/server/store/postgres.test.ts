/** What PostgreSQL does beyond the contract: connections that break, servers that die, transactions that are in the way. */
import test, { type ExecutionContext } from 'ava';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { type ErrorCode, fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import type { Transaction } from '../../../src/server/store/database.ts';
import { isStorageError } from '../../../src/server/store/failures.ts';
import type { Migration } from '../../../src/server/store/migrations/list.ts';
import { readPostgresUrl } from '../../../src/server/store/postgres/address.ts';
import { openPostgres } from '../../../src/server/store/postgres/database.ts';
import { POSTGRES_MIGRATIONS } from '../../../src/server/store/postgres/migrations.ts';
import { openElections } from '../../../src/server/store/postgres/stand_by.ts';
import { nodeCodec } from '../../../src/server/store/rows.ts';
import { eventTypes, insert, names } from '../../contract/writes.ts';
import { eventually } from '../../counterparts/eventually.ts';
import { sharedPostgres } from '../../counterparts/postgres.ts';
import { never } from '../../counterparts/signals.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { nodeRow } from '../rows.ts';
import { casesOf, codeOf, counted, endSessions, pause } from './postgres_cases.ts';

const postgres = sharedPostgres();
const { open, openNew } = casesOf(postgres);

test.serial('the server is killed and started again: refusals meanwhile, and then all goes on', async (t) => {
  const { server, database } = await openNew(t);
  await database.write(insert(nodeRow({ name: 'before' })));
  await names(database);
  await server.kill();
  t.is(await codeOf(database.write(insert(nodeRow({ name: 'never' })))), 'DATABASE_UNUSABLE');
  t.is(await codeOf(names(database)), 'DATABASE_UNUSABLE');
  await server.start();
  await database.write(insert(nodeRow({ name: 'after' })));
  t.deepEqual(await names(database), ['after', 'before']);
});

test.serial(
  'the server is killed while writes run: each is there or was refused, never both, never twice',
  async (t) => {
    const { server, database } = await openNew(t);
    const results = new Map<string, Promise<ErrorCode | 'fulfilled'>>();
    for (let round = 0; round < 3; round += 1) {
      const [first, ...others] = Array.from({ length: 100 }, (_, at) => {
        const { work } = counted(`${round}.${at}`);
        const result = codeOf(database.write(work));
        results.set(`${round}.${at}`, result);
        return result;
      });
      await Promise.race([first, ...others]);
      await server.kill();
      await server.start();
    }
    const written: string[] = [];
    for (const [name, result] of results) {
      const became = await result;
      t.true(became === 'fulfilled' || became === 'DATABASE_UNUSABLE', `${name}: ${became}`);
      if (became === 'fulfilled') written.push(name);
    }
    t.deepEqual(await names(database), written.toSorted());
    t.deepEqual((await eventTypes(database)).toSorted(), written.toSorted());
  },
);

test('the answer to a commit is lost: the write waits until it is known, others are refused, nothing is there twice', async (t) => {
  const { database, proxy } = await openNew(t);
  const { seen, work } = counted('in doubt');
  const cut = proxy.cutAt(/COMMIT/, 'answered');
  const inDoubt = database.write(work);
  await cut;
  const settled = inDoubt.then(
    () => 'written',
    () => 'refused',
  );
  await eventually('others to be refused', async () => {
    const other = codeOf(database.write(insert(nodeRow({ name: 'never' }))));
    return (await Promise.race([other, settled, pause()])) !== 'a pause';
  });
  t.is(await Promise.race([settled, pause()]), 'a pause', 'nothing true can be said of it yet');
  proxy.restore();
  await inDoubt;
  t.is(seen.runs, 1);
  t.deepEqual(await names(database), ['in doubt']);
  t.deepEqual(await eventTypes(database), ['in doubt']);
});

test('a commit that has never arrived is done again, once', async (t) => {
  const { database, proxy } = await openNew(t);
  const { seen, work } = counted('again');
  const cut = proxy.cutAt(/COMMIT/, 'asked');
  const again = database.write(work);
  await cut;
  proxy.restore();
  await again;
  t.is(seen.runs, 2);
  t.deepEqual(await names(database), ['again']);
  t.deepEqual(await eventTypes(database), ['again']);
});

test('a connection that breaks between the statements of a write: it is run again', async (t) => {
  const { database, server, name } = await openNew(t);
  const { seen, work } = counted('again', async (_, run) => {
    if (run === 1) await endSessions(server, name);
  });
  await database.write(work);
  t.is(seen.runs, 2);
  t.deepEqual(await eventTypes(database), ['again']);
});

test('closing while the answer to a commit is missing: the write is refused, and the next start knows', async (t) => {
  const { database, proxy, name } = await openNew(t);
  const cut = proxy.cutAt(/COMMIT/, 'answered');
  const inDoubt = database.write(counted('in doubt').work);
  await cut;
  const [result] = await Promise.all([inDoubt.catch((error) => error.message), database.close()]);
  t.regex(result, /the conductor stops; whether the last change was written is seen at its next start/);
  t.deepEqual(await names((await open(t, name)).database), ['in doubt']);
});

test('a transaction that was in the way: the callback runs again, and fails when that does not help', async (t) => {
  const { database } = await openNew(t);
  for (const state of ['40001', '40P01']) {
    const raise = ({ sql }: Transaction) =>
      sql.raw(`do $$ begin raise exception 'no' using errcode = '${state}'; end $$`);
    const once = counted(`once ${state}`, async (transaction, run) => void (run === 1 && (await raise(transaction))));
    await database.write(once.work);
    t.is(once.seen.runs, 2);
    const always = counted(`always ${state}`, async (transaction) => void (await raise(transaction)));
    t.is(await codeOf(database.write(always.work)), 'DATABASE_UNUSABLE');
    t.true(always.seen.runs > 2);
  }
  t.deepEqual(await names(database), ['once 40001', 'once 40P01']);
});

for (const arrives of ['with its error', 'after its error'] as const) {
  const title = `a callback that keeps an error of the database to itself: nothing of it is written; the status comes ${arrives}`;
  test(title, async (t) => {
    const { database, proxy } = await openNew(t);
    if (arrives === 'after its error') proxy.delayStatus();
    const swallows = () =>
      database.write(
        insert(nodeRow({ name: 'never' }), async ({ sql }) => {
          await sql('no_such_table').catch(() => {});
        }),
      );
    const beside = (name: string) => database.write(insert(nodeRow({ name })));
    t.is(await codeOf(swallows()), 'INTERNAL');
    for (const [name, writes] of [
      ['after', (): Promise<unknown>[] => [swallows(), beside('after')]],
      ['before', (): Promise<unknown>[] => [beside('before'), swallows()]],
    ] as const) {
      const results = await Promise.all(writes().map(codeOf));
      t.deepEqual(results.toSorted(), ['INTERNAL', 'fulfilled'], `beside ${name}`);
    }
    t.deepEqual(await names(database), ['after', 'before']);
  });
}

test('another conductor is refused while one has the database, by name, and nothing is changed', async (t) => {
  const { name, database } = await openNew(t);
  const { generation } = await database.read('database_owner').first();
  const error = await t.throwsAsync(open(t, name), { code: 'DATABASE_IN_USE' });
  t.regex(error?.message ?? '', /another conductor \(pid \d+ on host\d+\) uses the database test\d+ on [\d.]+:\d+; /);
  t.like(await database.read('database_owner').first(), { generation, ended_cleanly: false });
  await database.close();
  await open(t, name);
});

test('two schemas of one database are two installations', async (t) => {
  const server = await postgres();
  const name = await server.newDatabase(t);
  await server.query('create schema one; create schema two', name);
  for (const schema of ['one', 'two']) {
    const url = `${server.urlOf(name)}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
    const database = await openPostgres(readPostgresUrl(url, null), { clock: systemClock });
    t.teardown(() => database.close());
    await database.write(insert(nodeRow({ name: schema })));
    t.deepEqual(await names(database), [schema]);
  }
});

test('a conductor that rests hears that another one has taken the database over', async (t) => {
  const { name, proxy, database } = await openNew(t);
  proxy.cut();
  const second = await open(t, name);
  proxy.restore();
  t.is(await codeOf(database.write(insert(nodeRow({ name: 'never' })))), 'DATABASE_TAKEN');
  t.regex((await database.lost).message, /another conductor \(pid \d+ on host\d+\) has taken the database over/);
  await endSessions(second.server, name);
  await second.database.write(insert(nodeRow({ name: 'after' })));
  t.deepEqual(await names(second.database), ['after']);
});

test('a generation that is over writes nothing, also in a session that still has the lock', async (t) => {
  const { server, database, name } = await openNew(t);
  await database.write(insert(nodeRow({ name: 'before' })));
  await server.query('update database_owner set generation = generation + 1', name);
  t.is(await codeOf(database.write(insert(nodeRow({ name: 'never' })))), 'DATABASE_TAKEN');
  t.is((await database.lost).code, 'DATABASE_TAKEN');
  t.deepEqual(await names(database), ['before']);
});

/** A conductor of a version with these migrations, which stands by or leads. */
async function joins(
  t: ExecutionContext,
  name: string,
  host: number,
  migrations: readonly Migration[] = POSTGRES_MIGRATIONS,
  clock: Clock = systemClock,
  leaseMs = 30_000,
) {
  const address = readPostgresUrl((await postgres()).urlOf(name), null);
  const self = { host: `host${host} boot`, pid: host, startedAt: '1', startOf: () => null };
  const conductor = { uuid: `${host}`, address: `host${host}:7077`, httpAddress: null, version: '1' };
  const cancellation = openCancellation([]);
  const looked = Promise.withResolvers<void>();
  const elections = await openElections(address, { clock, leaseMs, self, migrations });
  const standBy = elections.standBy(conductor, { seen: () => looked.resolve(), ended: () => {} });
  const won = standBy.won(cancellation.signal);
  won.catch(() => {});
  t.teardown(async () => {
    cancellation.abort(fail('SHUTTING_DOWN', 'the test ends'));
    await won.then(({ database }) => database.close()).catch(() => {});
    await standBy.close();
  });
  return { won, looked: looked.promise };
}

test('the row says whether anything may act of those that led before its owner', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  const noted = async () => (await server.query('select predecessors_ended as ended from database_owner', name))[0];
  const first = await (await joins(t, name, 1)).won;
  t.deepEqual([first.mayActMs, await noted()], [0, { ended: true }], 'who migrated the database has ended in order');
  await first.database.close();
  const second = await (await joins(t, name, 2)).won;
  t.deepEqual([second.mayActMs, await noted()], [0, { ended: true }]);

  await endSessions(server, name);
  const clock = new VirtualClock();
  // The wall clock of a conductor must be right.
  const [row] = await server.query(
    "select extract(epoch from now() - timestamptz '2026-01-02 03:04:05Z')::float8 as ahead",
  );
  clock.jump(Number(row?.ahead) * 1000);
  const { database, tenure, mayActMs } = await (await joins(t, name, 3, undefined, clock)).won;
  t.deepEqual([mayActMs, await noted()], [31_500, { ended: false }], 'the second one may not have noticed');
  // A write waits for the beat before it.
  for (let beats = 0; beats < 3; beats += 1) {
    await clock.turn(10_000);
    await database.write(async () => {});
  }
  t.deepEqual(await noted(), { ended: false }, 'not yet');
  await clock.turn(10_000);
  await database.write(async () => {});
  t.is(tenure.objection(), null);
  t.deepEqual(await noted(), { ended: true });
});

test('the row says how long its owner may lead, and those before it that may not have noticed their end', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  const noted = async () => Number((await server.query('select lease_ms from database_owner', name))[0]?.lease_ms);
  const first = await (await joins(t, name, 1, undefined, undefined, 9000)).won;
  t.is(await noted(), 9000);
  await endSessions(server, name);
  const second = await (await joins(t, name, 2, undefined, undefined, 2000)).won;
  t.deepEqual([second.mayActMs, await noted()], [9450, 9000], 'the first one may not have noticed');
  second.tenure.predecessorsEnd(0);
  await eventually('the second one to note that the first has ended', async () => (await noted()) === 2000);
  await first.database.close();
});

test('a rolling upgrade: the newer conductor migrates when it leads, and only adds; older ones end when they see it', async (t) => {
  const server = await postgres();
  const name = await server.newDatabase(t);
  const known = async (): Promise<number> => (await server.query('select 1 from knex_migrations', name)).length;
  const columns = async (): Promise<string[]> => {
    const all =
      "select table_name || '.' || column_name as it from information_schema.columns where table_schema = 'public'";
    return (await server.query(all, name)).map(({ it }) => String(it));
  };
  const added: Migration = {
    name: '9998_of_the_next_version',
    up: (knex) => knex.schema.alterTable('nodes', (table) => table.text('of_the_next_version')),
  };
  const [older, newer] = [POSTGRES_MIGRATIONS, [...POSTGRES_MIGRATIONS, added]];
  const first = await (await joins(t, name, 1, older)).won;
  const second = await joins(t, name, 2, newer);
  await second.looked;
  t.is(await known(), older.length, 'nothing is changed while an older one leads');
  const before = await columns();
  await first.database.close();
  const leader = await second.won;
  t.is(await known(), newer.length);
  const after = await columns();
  const gone = before.filter((column) => !after.includes(column));
  t.deepEqual(gone, [], 'the version before can still read');
  t.is(await codeOf((await joins(t, name, 3, older)).won), 'DATABASE_NEWER');

  const present = await joins(t, name, 4, newer);
  await present.looked;
  await leader.database.write(({ sql }) => sql('knex_migrations').insert({ name: '9999_from_the_future' }));
  t.is(await codeOf(present.won), 'DATABASE_NEWER', 'it says so when it sees it, not when it is needed');
  const listed = await server.query('select address from conductors', name);
  t.deepEqual(
    listed.map(({ address }) => address).filter((address) => address === 'host3:7077'),
    [],
    'nothing was written',
  );
});

test('every column is what it is in SQLite: text by code point, of any length, and whole numbers', async (t) => {
  const { server, name } = await openNew(t);
  const rows = await server.query(
    `select distinct data_type || coalesce(' ' || collation_name, '') as kind from information_schema.columns
     where table_schema = 'public' and table_name not like 'knex_%' order by kind`,
    name,
  );
  t.deepEqual(
    rows.map(({ kind }) => kind),
    ['bigint', 'boolean', 'text C'],
  );
});

test('no error repeats the values of a row', async (t) => {
  const { database } = await openNew(t);
  const bad = { ...nodeCodec.encode(nodeRow({ driverInfo: { password: 'hunter2' } })), power_state: 'purple' };
  for (const work of [
    ({ sql }: Transaction) => sql('nodes').insert(bad),
    ({ direct }: Transaction) => direct.insert('nodes', [bad]),
  ]) {
    const error = await t.throwsAsync(database.write(async (transaction) => void (await work(transaction))));
    t.false(isStorageError(error));
    const all = Object.getOwnPropertyNames(error).map((key) => String(Reflect.get(error ?? {}, key)));
    t.false(all.join('\n').includes('hunter2'), all.join('\n'));
  }
});

test('a text with NUL is refused as what it is', async (t) => {
  const { database } = await openNew(t);
  t.is(await codeOf(database.write(insert(nodeRow({ maintenanceReason: 'a\0b' })))), 'ARGUMENT_INVALID');
});

/** What the server says when its disk is full. */
const fill = async ({ sql }: Transaction): Promise<void> => {
  await sql.raw(`do $$ begin raise exception 'no' using errcode = '53100'; end $$`);
};

test('a disk that is full is one until there is room again; that is found out without a right, and past the writes', async (t) => {
  const server = await postgres();
  const name = await server.newMigrated(t);
  await server.query(`create role plain login password 'plain'; revoke temporary on database ${name} from public`);
  await server.query('grant select, insert, update, delete on all tables in schema public to plain', name);
  await server.query('grant usage on all sequences in schema public to plain', name);
  const { database } = await open(t, name, { user: 'plain', password: 'plain' });
  t.is(await codeOf(database.write(fill)), 'DISK_FULL');
  t.true(database.isFull);
  t.is(database.disk, 'the disk of the PostgreSQL server');
  const [started, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const write = database.write(
    insert(nodeRow({ name: 'behind' }), () => {
      started.resolve();
      return goOn.promise;
    }),
  );
  await started.promise;
  t.true(await database.findRoom(never()));
  t.false(database.isFull);
  goOn.resolve();
  await write;
});

test('whether there is room is tried with a file on the disk of the database', async (t) => {
  const { server, name, database } = await openNew(t);
  await codeOf(database.write(fill));
  await database.findRoom(never());
  await database.close();
  await eventually('the server to count the file', async () => {
    const [{ bytes } = {}] = await server.query(
      `select temp_bytes::int as bytes from pg_stat_database where datname = '${name}'`,
    );
    return Number(bytes) > 4_000_000;
  });
  t.pass();
});

test('a server that still has no room stays full', async (t) => {
  const { server, name, database } = await openNew(t);
  await codeOf(database.write(fill));
  await server.query(`alter role countermand in database ${name} set temp_file_limit = '1MB'`);
  t.false(await database.findRoom(never()));
  t.true(database.isFull);
});

/** `countermand database copy`: an installation moves from SQLite to PostgreSQL and back, whole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { newFolder } from '../counterparts/folder.ts';
import { type PostgresServer, sharedPostgres } from '../counterparts/postgres.ts';
import { versionsWithDatabase } from '../upgrade/released.ts';
import { folderOf, startUpgraded, toldOtherwise } from '../upgrade/told.ts';
import { type House, openHouse, pretendReserve } from './house.ts';
import { enrolSimBmc, Listener } from './killing.ts';
import { order, ordersAt, untilAtRest } from './orders.ts';
import { actionStates, checkPlanTrail, power, rollBack, startPlan, untilPlanEnds, watchPlan } from './plans.ts';
import { runHere } from './processes.ts';
import { checkTrail } from './trail.ts';

const postgres = sharedPostgres();

const copy = (from: string, to: string) => runHere(['database', 'copy', '--from', from, '--to', to]);

/** What is a database's own, and the tables of the engines. */
const OWN = /^(database_owner|conductors|knex_.*|sqlite_.*)$/;

type Rows = Readonly<Record<string, readonly Record<string, unknown>[]>>;

/** Every row of every table that belongs to the installation, in an order that both engines have. */
function rowsOf(names: readonly string[], read: (table: string) => unknown[]): Rows {
  const tables = names.filter((name) => !OWN.test(name)).toSorted();
  return Object.fromEntries(tables.map((table) => [table, sorted(read(table))])) as Rows;
}

/** Rows as text: what the engines answer for one value differs in its type. */
const sorted = (rows: unknown[]): unknown[] => rows.map((row) => JSON.stringify(columnsOf(row as object))).toSorted();

const columnsOf = (row: object): unknown[] =>
  Object.entries(row)
    .map(([column, value]) => `${column} ${value === null ? 'is null' : `= ${value}`}`)
    .toSorted();

function rowsInFile(folder: string): Rows {
  const file = new BetterSqlite3(join(folder, 'countermand.db'), { readonly: true });
  const tables = file.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
  const rows = rowsOf(
    tables.map(({ name }) => name),
    (table) => file.prepare(`select * from ${table}`).all(),
  );
  file.close();
  return rows;
}

async function rowsInPostgres(server: PostgresServer, name: string): Promise<Rows> {
  const found = await server.query("select tablename from pg_tables where schemaname = 'public'", name);
  const tables = found.map(({ tablename }) => String(tablename));
  // One statement: a connection for each table costs more than what it reads.
  const each = tables.map((table) => `select '${table}' as name, to_json(${table}) as row from ${table}`);
  const all = await server.query(each.join(' union all '), name);
  return rowsOf(tables, (table) => all.filter((row) => row.name === table).map(({ row }) => row));
}

async function stop({ conductor }: House): Promise<void> {
  conductor.signal('SIGTERM');
  await conductor.ended;
}

test('an installation moves to PostgreSQL and back with its nodes, orders, plans, events and numbers', async (t) => {
  const server = await postgres();
  const [name, back] = [await server.newDatabase(t), join(await newFolder(t), 'data')];
  const house = await openHouse(t, { here: true });
  const [one, two] = await Promise.all([enrolSimBmc(t, house, 'one'), enrolSimBmc(t, house, 'two')]);
  const listener = new Listener(house);
  await untilAtRest(order(house.client, 'one', 'REBOOT'));
  const plan = await startPlan(house.client, 'rack down', [
    power('one', 'power off'),
    power('two', 'power off', 'one'),
  ]);
  await untilPlanEnds(watchPlan(house.client, plan.uuid));
  await stop(house);

  const same = await copy(house.data, `${house.data}/.`);
  t.regex(same.stderr, /^error: --from and --to are both \S+; name an empty place in --to$/m);
  const there = await copy(house.data, server.urlOf(name));
  t.is(there.exitCode, 0, there.stderr);
  t.regex(
    there.stdout,
    /^copied 2 nodes, 3 power_tasks, 1 action_plans, \d+ events to database test\d+ on .*\n.*\n.* on one of/,
  );
  const before = rowsInFile(house.data);
  t.true((before.model_changes?.length ?? 0) > 0);
  t.deepEqual(await rowsInPostgres(server, name), before);
  t.true((before.nodes?.length ?? 0) > 0 && JSON.stringify(before.nodes).split('sealed:1:').length === 3);
  t.regex(there.stdout, /driver_info stays sealed: a conductor on the copy needs the same key/);
  const keyless = ['--data', await newFolder(t), '--database', server.urlOf(name), '--http-listen', 'none'];
  const refused = await runHere(['serve', '--listen', '127.0.0.1:0', ...keyless]);
  t.is(refused.exitCode, 5, refused.stderr);
  t.regex(refused.stderr, /sealed with the key \w{16}, and \S+secrets.key does not exist; nothing was written/);
  t.deepEqual(await rowsInPostgres(server, name), before);

  house.configure({ database: server.urlOf(name) });
  await house.start('conductor');
  listener.resume();
  t.deepEqual(await actionStates(house.client, plan.uuid), { one: 'SUCCEEDED', two: 'SUCCEEDED' });
  t.like(await untilPlanEnds(rollBack(house.client, plan.uuid)), { state: 'SUCCEEDED' });
  t.deepEqual(await Promise.all([one, two].map(ordersAt)), [
    ['reset', 'off', 'on'],
    ['off', 'on'],
  ]);
  await checkTrail(t, house.client);
  await listener.check(t, await checkPlanTrail(t, house.client));

  // While the conductor leads: a backup is a file, whatever the database is, and is put back into a folder.
  const [file, restored] = [`${back}.db`, `${back}.restored`];
  const backup = await runHere(['database', 'backup', file, '--database', server.urlOf(name)]);
  t.is(backup.exitCode, 0, backup.stderr);
  t.regex(backup.stdout, /2 nodes, 5 power_tasks, 2 action_plans, /);
  t.is((await runHere(['database', 'restore', file, '--data', restored])).exitCode, 0);
  const { database_id: ids, ...held } = rowsInFile(restored);
  t.regex(String(ids), /backed_up_at = \d+/);
  const { database_id: own, ...rows } = await rowsInPostgres(server, name);
  t.deepEqual(held, rows);
  t.regex(String(own), /backed_up_at is null/);
  await stop(house);

  const again = await copy(server.urlOf(name), back);
  t.is(again.exitCode, 0, again.stderr);
  const after = await rowsInPostgres(server, name);
  t.true((after.events?.length ?? 0) > (before.events?.length ?? 0));
  t.deepEqual(rowsInFile(back), after);
});

// One after the other, before the others: each is a whole installation.
for (const version of versionsWithDatabase())
  test.serial(`an installation of ${version} moves to PostgreSQL and back; clients are told the same`, async (t) => {
    const server = await postgres();
    const [name, old, back] = [
      await server.newDatabase(t),
      await folderOf(version, t),
      join(await newFolder(t), 'data'),
    ];
    const there = await copy(old, server.urlOf(name));
    t.is(there.exitCode, 0, there.stderr);
    t.deepEqual(await rowsInPostgres(server, name), rowsInFile(old));
    t.is((await copy(server.urlOf(name), back)).exitCode, 0);
    await pretendReserve(back);
    const { address } = await startUpgraded(version, back, t);
    t.deepEqual(await toldOtherwise(version, address), []);
  });

test('what is not copied: into a database that has rows, from one that is not there, or while a conductor runs', async (t) => {
  const server = await postgres();
  const [name, empty, folder] = [await server.newMigrated(t), await server.newDatabase(t), await newFolder(t)];
  const house = await openHouse(t, { here: true });
  await enrolSimBmc(t, house, 'one');
  const running = await copy(house.data, server.urlOf(name));
  t.like(running, { exitCode: 5, stdout: '' });
  t.regex(running.stderr, /another conductor .*uses the data folder/);
  await stop(house);
  t.is((await copy(house.data, server.urlOf(name))).exitCode, 0);
  const before = await rowsInPostgres(server, name);

  const twice = await copy(house.data, server.urlOf(name));
  t.like(twice, { exitCode: 5, stdout: '' });
  t.regex(twice.stderr, /database test\d+ on .* has nodes already; nothing was written; name an empty one/);
  t.deepEqual(await rowsInPostgres(server, name), before);
  t.regex((await copy(server.urlOf(name), house.data)).stderr, /has nodes already/);

  t.regex((await copy(folder, server.urlOf(empty))).stderr, /there is no database in the folder/);
  t.regex((await copy(server.urlOf(empty), join(folder, 'new'))).stderr, /has no tables of countermand/);
  t.deepEqual(await rowsInPostgres(server, empty), {});
  // An earlier version took what SQLite can store, and PostgreSQL cannot.
  const file = new BetterSqlite3(join(house.data, 'countermand.db'));
  file.prepare("update nodes set maintenance_reason = 'a' || char(0)").run();
  file.close();
  const refused = await copy(house.data, server.urlOf(empty));
  t.like(refused, { exitCode: 5, stdout: '' });
  t.regex(
    refused.stderr,
    /nodes uuid \w{8}: maintenance_reason contains the character NUL, which the copy cannot store/,
  );
  t.deepEqual((await rowsInPostgres(server, empty)).nodes ?? [], []);
  t.regex((await copy(house.data, 'mysql://u@h/d')).stderr, /it is no URL of the form postgres:/);
  t.false(existsSync(join(folder, 'new')));
});

/** A database of an earlier version is brought up to date with all that is in it. */
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import type { Knex } from 'knex';
import { MIGRATIONS } from '../../../src/server/store/migrations/list.ts';
import { auditCodec } from '../../../src/server/store/plan_rows.ts';
import { nodeCodec, powerTaskCodec } from '../../../src/server/store/rows.ts';
import { databaseIn } from '../../../src/server/store/sqlite/data_folder.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { auditRow, nodeRow, taskRow } from '../rows.ts';
import { insertOld, oldFolder } from './old_database.ts';

test('migrations are numbered without gaps', (t) => {
  t.deepEqual(
    MIGRATIONS.map(({ name }) => Number(name.slice(0, 4))),
    MIGRATIONS.map((_, index) => index + 1),
  );
});

/** Everything in a file but what differs from file to file: times, ids, and the numbers of rows that were deleted. */
function contentsOf(path: string): unknown {
  const raw = new BetterSqlite3(path);
  const schema = raw.prepare('select type, name, tbl_name, sql from sqlite_schema order by rowid').all() as {
    readonly type: string;
    readonly name: string;
  }[];
  const names = schema
    .filter(({ type, name }) => type === 'table' && name !== 'sqlite_sequence')
    .map(({ name }) => name);
  const rows = names.map((name) => [name, raw.prepare(`select * from "${name}"`).all()]);
  const settings = ['user_version', 'application_id', 'encoding', 'page_size', 'auto_vacuum', 'journal_mode'];
  const contents = { schema, rows, settings: settings.map((name) => [name, raw.pragma(name, { simple: true })]) };
  raw.close();
  const varying = ['migration_time', 'started_at', 'index', 'id'];
  return JSON.parse(JSON.stringify(contents), (key, value) => (varying.includes(key) ? typeof value : value));
}

test('a new database is what the migrations make of an empty one', async (t) => {
  const [made, migrated] = [await newFolder(t), await oldFolder(0, async () => {}, t)];
  for (const folder of [made, migrated]) await (await openDatabase(folder, 1000)).close();
  const raw = new BetterSqlite3(databaseIn(migrated));
  // It says that no secret was written plain into a file that was sealed from its beginning.
  raw.pragma('user_version = 1');
  raw.close();
  t.deepEqual(contentsOf(databaseIn(made)), contentsOf(databaseIn(migrated)));
});

const TABLES = ['nodes', 'power_tasks', 'events', 'audits', 'action_plans', 'actions'];
const event = { event_type: 'x', priority: 'INFO', publisher_id: 'p', message_id: 'm', timestamp: 1, payload: '{}' };

interface Index {
  readonly name: string;
  readonly tbl_name: string;
}

const indexes = (sql: Knex): Promise<Index[]> =>
  sql('sqlite_master').where('type', 'index').select('name', 'tbl_name').orderBy('name');

test('0006: rows, indexes, numbers and checks are what they were', async (t) => {
  const node = nodeRow({ labels: { rack: 'r1' }, targetPowerState: 'soft power off' });
  const task = taskRow(node, { bmcKey: null });
  let before: Index[] = [];
  const folder = await oldFolder(
    5,
    async (knex) => {
      await insertOld('nodes', [nodeCodec.encode(node)], knex);
      await insertOld('power_tasks', [powerTaskCodec.encode(task)], knex);
      await knex('events').insert([event, event, event]);
      await knex('events').where('sequence', '>', 1).delete();
      before = await indexes(knex);
    },
    t,
  );
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  const sql = database.read;
  t.deepEqual((await sql('nodes')).map(nodeCodec.decode), [node]);
  t.deepEqual((await sql('power_tasks')).map(powerTaskCodec.decode), [task]);
  const added = [
    'power_tasks_action_uuid_unique',
    'power_tasks_aborts_action_uuid_unique',
    'drivers_agent_uuid_index',
    'nodes_bmc_guid_index',
    'nodes_bmc_place_index',
    'nodes_same_bmc_as_index',
    'power_tasks_alone',
    'nodes_created_by_index',
    'nodes_zone_name_index',
    'nodes_with_problem_index',
    'action_plans_created_by_state_index',
  ];
  /** The index of zone and name serves what it did. */
  const dropped = ['nodes_zone_index'];
  const laterTables = [
    'audit_templates',
    'tokens',
    'conductors',
    'trail',
    'freezes',
    'sinks',
    'reported_messages',
    'compute_services',
  ];
  t.deepEqual(
    (await indexes(sql)).filter(({ name, tbl_name }) => !added.includes(name) && !laterTables.includes(tbl_name)),
    before.filter(({ name }) => !dropped.includes(name)),
  );
  t.deepEqual(await sql('sqlite_master').where('name', 'like', '%with_lists%'), []);

  await sql('events').insert(event);
  t.deepEqual(
    (await sql('events').orderBy('sequence')).map(({ sequence }) => sequence),
    [1, 4],
  );

  const refused = (write: Promise<unknown>, message: RegExp) => t.throwsAsync(async () => await write, { message });
  await refused(sql('nodes').update({ power_state: 'sleeping' }), /nodes_power_state/);
  await refused(sql('power_tasks').update({ state: 'LOST' }), /power_tasks_state/);
  await refused(sql('events').update({ priority: 'LOUD' }), /events_priority/);
  await refused(sql('power_tasks').insert(powerTaskCodec.encode(taskRow(node))), /UNIQUE.*node_uuid/);
  await sql('power_tasks').insert(powerTaskCodec.encode(taskRow(node, { target: 'abort soft power off' })));
  await sql('power_tasks').insert(powerTaskCodec.encode(taskRow(node, { state: 'FAILED' })));
});

test('0006: to write a row, no list is made a table of', async (t) => {
  const folder = await oldFolder(5, async () => {}, t);
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  for (const table of TABLES) {
    const columns = Object.keys(await database.read(table).columnInfo());
    const values = columns.map(() => 'null').join(', ');
    const steps: { opcode: string }[] = await database.read.raw(`explain insert into ${table} values (${values})`);
    t.true(steps.length > 10);
    t.deepEqual(
      steps.filter(({ opcode }) => opcode === 'OpenEphemeral'),
      [],
      table,
    );
  }
});

test('0012: IPv4 written as IPv6 is IPv4; where another node has that key, both keep theirs and are told', async (t) => {
  const old = (name: string, bmcKey: string) => nodeRow({ name, bmcKey });
  const nodes = [
    old('mapped', 'ipmi://[::ffff:a00:1]:623'),
    old('twin', 'ipmi://[::ffff:7f00:1]:623'),
    old('plain', 'ipmi://127.0.0.1:623'),
    old('six', 'irmc://[2001:db8::1]:443'),
    old('named', 'ipmi://bmc7.example:623'),
  ];
  const folder = await oldFolder(
    11,
    async (knex) => {
      await insertOld('nodes', nodes.map(nodeCodec.encode), knex);
    },
    t,
  );
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  const rows = (await database.read('nodes')).map(nodeCodec.decode);
  const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
  t.deepEqual(Object.fromEntries(rows.map(({ name, bmcKey }) => [name, bmcKey])), {
    mapped: 'ipmi://10.0.0.1:623',
    twin: 'ipmi://[::ffff:7f00:1]:623',
    plain: 'ipmi://127.0.0.1:623',
    six: 'irmc://[2001:db8::1]:443',
    named: 'ipmi://bmc7.example:623',
  });
  t.regex(
    byName.twin?.problem?.message ?? '',
    /^node plain is reached through the same BMC \(ipmi:\/\/127\.0\.0\.1:623\)/,
  );
  t.regex(byName.plain?.problem?.message ?? '', /^node twin is reached through the same BMC/);
  t.is(byName.twin?.sameBmcAs, byName.plain?.uuid);
  t.is(byName.six?.problem, null);
});

test('0014: an audit whose scope was empty goes on to be about every node, unless a plan brought it', async (t) => {
  const scope = [{ baremetal: [{ nodes: ['n1'] }] }];
  const rows = [
    auditRow({ uuid: 'a1', name: 'asked', requestId: 'r1', scope: [] }),
    auditRow({ uuid: 'a2', name: 'narrow', requestId: 'r2', scope }),
    auditRow({ uuid: 'a3', name: 'of a plan', requestId: null, scope: [] }),
  ];
  const fill = async (knex: Knex): Promise<void> => {
    await insertOld('audits', rows.map(auditCodec.encode), knex);
  };
  const database = await openDatabase(await oldFolder(13, fill, t));
  t.teardown(() => database.close());
  const audits = (await database.read('audits').orderBy('uuid')).map(auditCodec.decode);
  t.deepEqual(
    audits.map(({ everyNode }) => everyNode),
    [true, false, false],
  );
});

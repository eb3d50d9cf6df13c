import test from 'ava';
import { nodeRow, putRows } from '../server/rows.ts';
import { takeNewborn } from './memory.ts';
import { SharedConnection } from './shared_connection.ts';
import { VirtualClock } from './virtual_clock.ts';
import { World } from './world.ts';

/** All rows of a database, by table. */
async function contentsOf({ database: { read } }: World): Promise<Record<string, unknown[]>> {
  const tables: { name: string }[] = await read('sqlite_schema').where('type', 'table').orderBy('name').select('name');
  const contents: Record<string, unknown[]> = {};
  for (const { name } of tables) contents[name] = await read(name).orderBy('rowid');
  return contents;
}

test('a world begins with a new database, whatever the world has left that had it before', async (t) => {
  const first = await World.create();
  const fresh = await contentsOf(first);
  await first.startAgent('a1');
  await first.enrol('n1');
  await first.order('n1', 'power off');
  t.notDeepEqual(await contentsOf(first), fresh);
  await first.close();
  const second = await World.open(t);
  t.deepEqual(await contentsOf(second), fresh);
});

test('a database whose schema a world has changed is not used again', async (t) => {
  const connection = SharedConnection.create();
  const database = connection.observe();
  await database.read.schema.createTable('of_this_world', (table) => table.integer('id'));
  await database.close();
  const { raw } = takeNewborn();
  t.teardown(() => raw.close());
  t.is(raw.prepare("select count(*) from sqlite_schema where name = 'of_this_world'").pluck().get(), 0);
});

test('whoever still works in a world that is closed gets no further, and writes into no other', async (t) => {
  const connection = SharedConnection.create();
  const observer = connection.observe();
  const late = connection.open({ alive: true, statement: () => {}, afterCommit: () => {} });
  await putRows(late, nodeRow({ name: 'n1' }), null);
  await observer.close();
  const other = await World.open(t);
  await t.throwsAsync(putRows(late, nodeRow({ name: 'n2' }), null), { message: /this process is dead/ });
  await t.throwsAsync(late.read('nodes'), { message: /this process is dead/ });
  t.deepEqual(await other.database.read('nodes'), []);
});

test('a process that starts does not go on in a transaction that another could neither commit nor roll back', async (t) => {
  const world = await World.open(t);
  await world.startAgent('a1');
  await world.enrol('n1');
  const { store } = world.conductor;
  const late = store.database.write(async ({ sql }) => {
    await sql('nodes').update({ zone: 'never' });
    world.conductorProcess.failAtTouch(1, 2);
  });
  await t.throwsAsync(late, { code: 'DATABASE_UNUSABLE' });
  await world.killConductor();
  await world.startConductor();
  await world.clock.turn(5000);
  await world.enrol('n2');
  t.deepEqual(await world.database.read('nodes').distinct('zone').pluck('zone'), ['default']);
});

test('a world whose conductor works is closed at once, and no timer of it is left', async (t) => {
  const world = await World.create();
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: 'never' });
  await world.order('n1', 'soft power off');
  t.true(world.clock.timers > 0);
  await world.close();
  await world.clock.settle();
  t.is(world.clock.timers, 0);
});

test('a conductor that has nothing to do sets no timer in a minute', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.clock.turn(60_000);
  let fired = 0;
  await world.clock.turn(60_000, () => {
    fired += 1;
  });
  t.is(fired, 0);
});

test('a clock that never settles says so', async (t) => {
  await t.throwsAsync(new VirtualClock(() => true, 100).settle(), { message: /still busy after 100 turns/ });
});

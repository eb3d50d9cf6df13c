/**
 * 0007: the rows of a conductor that joined power tasks to actions by request_id. `fixtures/0006.json` was written by that
 * version while it ran: one plan is done and can be rolled back, one runs, one is being cancelled, and the orders of clients
 * bear the uuids of the actions of two more.
 */
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { fakeSchema, serverOf } from '../../../src/drivers/fake/hardware.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { imageOf } from '../../world/shared_connection.ts';
import { World } from '../../world/world.ts';
import { standing } from '../plan_making.ts';
import { oldFolder } from './old_database.ts';

type Row = Readonly<Record<string, string | number | null>>;
const { elapsedMs, ...tables }: { elapsedMs: number } & Record<string, Row[]> = JSON.parse(
  readFileSync(new URL('fixtures/0006.json', import.meta.url), 'utf8'),
);

async function openOld(t: ExecutionContext) {
  const folder = await oldFolder(
    6,
    async (knex) => {
      for (const [table, rows] of Object.entries(tables)) await knex(table).insert(rows);
    },
    t,
  );
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  return database;
}

const byNode = (rows: readonly Row[], key: string) =>
  rows.map((row) => `${row.node_name} ${row.target}: ${row[key] ?? 'none'}`).sort();

test('each power task has the action that ordered it, or the request_id of a client', async (t) => {
  const database = await openOld(t);
  const tasks = await database.read('power_tasks');
  const actions = new Map((await database.read('actions')).map((action) => [action.name, action]));
  const [n1, n3, hold, n6, n7] = ['n1', 'n3', 'hold', 'n6', 'n7'].map((name) => actions.get(name).uuid);
  t.deepEqual(byNode(tasks, 'action_uuid'), [
    `n1 power off: ${n1}`,
    'n2 abort soft power off: none',
    'n2 power off: none',
    'n5 power off: none',
    `n6 soft power off: ${n6}`,
    'n7 abort soft power off: none',
    `n7 soft power off: ${n7}`,
  ]);
  t.deepEqual(byNode(tasks, 'request_id'), [
    'n1 power off: none',
    `n2 abort soft power off: ${n6} abort`,
    `n2 power off: ${n3}`,
    `n5 power off: ${hold}`,
    'n6 soft power off: none',
    'n7 abort soft power off: none',
    'n7 soft power off: none',
  ]);
  const [abort, ...others] = tasks.filter(({ aborts_action_uuid: uuid }) => uuid !== null);
  t.like(abort, { node_name: 'n7', target: 'abort soft power off', aborts_action_uuid: n7 });
  t.is(others.length, 0);
  const plans = new Map((await database.read('action_plans')).map(({ uuid, name }) => [uuid, name]));
  t.deepEqual(
    byNode(
      tasks.map((task) => ({ ...task, plan: plans.get(task.plan_uuid) ?? null })),
      'plan',
    ),
    [
      'n1 power off: done',
      'n2 abort soft power off: none',
      'n2 power off: none',
      'n5 power off: none',
      'n6 soft power off: running',
      'n7 abort soft power off: cancelling',
      'n7 soft power off: cancelling',
    ],
  );
  // What the clients' orders had left in the actions of others is gone; what is true stays.
  const on = '{"power_state":"power on"}';
  for (const [name, image] of Object.entries({ n1: on, n3: null, hold: null, n6: on, n7: on }))
    t.is(actions.get(name).before_image, image, name);
  // Everything else of a task is what it was.
  const old = new Map(tables.power_tasks?.map((row) => [row.uuid, row]));
  for (const { action_uuid, aborts_action_uuid, plan_uuid, request_id, ...rest } of tasks) {
    const { request_id: _, ...before } = old.get(rest.uuid) ?? {};
    t.like(rest, before);
  }
});

test('plans go on, are rolled back and begin after the migration as if nothing had happened', async (t) => {
  const world = await World.open(t, { earlier: { image: await imageOf(await openOld(t)), elapsedMs } });
  const info = (name: string) => fakeSchema.parse({ fake_address: name, fake_soft_ms: '60000' });
  const server = (name: string) => serverOf(info(name), world.hardware, world.clock);
  for (const name of ['n1', 'n2', 'n5']) server(name).powerState = 'power off';
  for (const name of ['n6', 'n7'])
    server(name).pending = { target: 'soft power off', stopsAt: elapsedMs + 50_000, endsAt: elapsedMs + 50_000 };
  await world.startAgent('a2');
  // The agents of the old process are waited for first.
  await world.clock.turn(180_000);
  t.like(await standing(world, 'running'), { plan: { state: 'SUCCEEDED' }, actions: { n6: 'SUCCEEDED' } });
  const cancelled = await standing(world, 'cancelling');
  t.true(['CANCELLED', 'FAILED'].includes(cancelled.plan.state), cancelled.plan.state);
  for (const plan of ['victim', 'maint']) await world.conductor.plans.start(plan, false);
  await world.clock.turn(10_000);
  t.like(await standing(world, 'victim'), { plan: { state: 'SUCCEEDED' } });
  t.like(await standing(world, 'maint'), { plan: { state: 'SUCCEEDED' } });
  t.like(await world.database.read('nodes').where('name', 'n4').first(), { maintenance: 1 });
  const rollBack = (plan: string) =>
    world.conductor.plans.rollback({ plan, requestId: `undo ${plan}`, skipIrreversible: false, acceptDrift: false });
  await t.throwsAsync(rollBack('victim'), { code: 'ROLLBACK_REFUSED' });
  await rollBack('done');
  await world.clock.turn(10_000);
  t.is((await standing(world, 'undo done')).plan.state, 'SUCCEEDED');
  t.deepEqual(
    world.received.map(({ address, target }) => `${address} ${target}`).filter((sent) => sent !== 'n7 recall'),
    ['n1 power on'],
  );
  t.deepEqual(world.faults, []);
});

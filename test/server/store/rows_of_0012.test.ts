/**
 * A database of the version before conductors could take over from one another. `fixtures/0012.json` was written by that version
 * (commit 7fc3e7f) in a simulated world that was killed: plans, actions, audits and power tasks stand in every state there is.
 */
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { POWER_TASK_REST } from '../../../src/core/states.ts';
import { fakeSchema, serverOf } from '../../../src/drivers/fake/hardware.ts';
import { readEvents } from '../../../src/server/store/events.ts';
import { actionCodec, actionPlanCodec, auditCodec } from '../../../src/server/store/plan_rows.ts';
import { nodeCodec, powerTaskCodec } from '../../../src/server/store/rows.ts';
import { openDatabase } from '../../../src/server/store/sqlite/database.ts';
import { imageOf } from '../../world/shared_connection.ts';
import { World } from '../../world/world.ts';
import { standing } from '../plan_making.ts';
import { oldFolder } from './old_database.ts';

type Row = Readonly<Record<string, string | number | null>>;
const { elapsedMs, ...tables }: { elapsedMs: number } & Record<string, Row[]> = JSON.parse(
  readFileSync(new URL('fixtures/0012.json', import.meta.url), 'utf8'),
);
const old = (table: string): readonly Row[] => tables[table] ?? [];

async function openOld(t: ExecutionContext) {
  const folder = await oldFolder(
    12,
    async (knex) => {
      for (const [table, rows] of Object.entries(tables)) {
        await knex(table).delete();
        for (const row of rows) await knex(table).insert(row);
      }
    },
    t,
  );
  const database = await openDatabase(folder);
  t.teardown(() => database.close());
  return database;
}

const statesIn = (table: string): string[] => [...new Set(old(table).map(({ state }) => String(state)))].toSorted();

test('the fixture has what a conductor can leave behind', (t) => {
  t.deepEqual(statesIn('power_tasks'), [
    'ABORTED',
    'ABORTING',
    'CONFIRMING',
    'FAILED',
    'QUEUED',
    'SENDING',
    'SUCCEEDED',
  ]);
  t.deepEqual(statesIn('action_plans'), [
    'CANCELLED',
    'CANCELLING',
    'FAILED',
    'ONGOING',
    'PENDING',
    'RECOMMENDED',
    'SUCCEEDED',
    'SUPERSEDED',
  ]);
  t.deepEqual(statesIn('audits'), ['ONGOING', 'SUCCEEDED', 'SUSPENDED']);
});

test('every row is what it was, and can be read', async (t) => {
  const { read } = await openOld(t);
  for (const [table, rows] of Object.entries(tables)) {
    if (table === 'database_owner') continue;
    const now: Row[] = await read(table);
    t.is(now.length, rows.length, table);
    for (const [at, row] of rows.entries()) t.like(now[at], row, `${table} ${at}`);
  }
  const codecs = {
    nodes: nodeCodec,
    power_tasks: powerTaskCodec,
    action_plans: actionPlanCodec,
    actions: actionCodec,
    audits: auditCodec,
  };
  for (const [table, codec] of Object.entries(codecs)) {
    const encoded = (await read(table)).map((row) => [row, codec.encode(codec.decode(row) as never)]);
    // Who made a node is no part of its row in memory.
    for (const [{ created_by, ...row }, again] of encoded)
      t.deepEqual(again, table === 'nodes' ? row : { ...row, ...(created_by !== undefined && { created_by }) }, table);
  }
  const events = await readEvents(1, 100_000, read);
  t.is(events.at(-1)?.sequence, old('events').at(-1)?.sequence as number);
});

test('everything goes on after the migration as if nothing had happened', async (t) => {
  const world = await World.open(t, { seed: 2, earlier: { image: await imageOf(await openOld(t)), elapsedMs } });
  for (const { name, driver_info, power_state } of old('nodes')) {
    const info = fakeSchema.parse(JSON.parse(String(driver_info)));
    const server = serverOf(info, world.hardware, world.clock);
    server.powerState = power_state === 'power off' ? 'power off' : 'power on';
    const isStopping = ['n4', 'n6', 'n7', 'n9'].includes(String(name));
    if (isStopping)
      server.pending = { target: 'soft power off', stopsAt: elapsedMs + 40_000, endsAt: elapsedMs + 40_000 };
  }
  await world.startAgent('a2');
  await world.clock.turn(180_000);

  const unsettled = await world.database.read('power_tasks').whereNotIn('state', [...POWER_TASK_REST]);
  t.deepEqual(unsettled, []);
  const task = async (uuid: unknown) => world.database.read('power_tasks').where('uuid', String(uuid)).first();
  const ended = ['SUCCEEDED', 'FAILED', 'ABORTED'];
  for (const before of old('power_tasks'))
    if (ended.includes(String(before.state))) t.like(await task(before.uuid), before, `${before.node_name} stays`);
  const unsent = old('power_tasks').filter(({ state }) => state === 'QUEUED');
  t.true(unsent.length > 0);
  for (const { uuid, node_name: node } of unsent) t.is((await task(uuid)).state, 'SUCCEEDED', `${node} is sent now`);

  t.like(await standing(world, 'running'), {
    plan: { state: 'SUCCEEDED' },
    actions: { n4: 'SUCCEEDED', n5: 'SUCCEEDED' },
  });
  t.like(await standing(world, 'waiting'), { plan: { state: 'SUCCEEDED' } });
  t.true(['CANCELLED', 'FAILED'].includes((await standing(world, 'cancelling')).plan.state));
  await world.conductor.plans.start('proposed', false);
  const undo = { plan: 'done', requestId: 'undo done', skipIrreversible: false, acceptDrift: false };
  await world.conductor.plans.rollback(undo);
  await world.conductor.audits.resume('paused');
  await world.clock.turn(700_000);
  for (const plan of ['proposed', 'undo done']) t.is((await standing(world, plan)).plan.state, 'SUCCEEDED', plan);
  for (const audit of ['each', 'paused']) {
    const { uuid } = await world.database.read('audits').where('name', audit).first();
    const plans = await world.database.read('action_plans').where('audit_uuid', uuid);
    t.true(plans.length >= 2, `${audit} has run again`);
  }

  const events = await readEvents(1, 100_000, world.database.read);
  t.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, at) => at + 1),
  );
  t.deepEqual(world.faults, []);
});

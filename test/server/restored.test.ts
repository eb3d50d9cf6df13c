/** A conductor that starts on a backup carries nothing on that was under way in it. */
import anyTest from 'ava';
import { backedUpAt, databaseId } from '../../src/server/store/events.ts';
import { endWorld, make, softOff, standing, story, worldWith } from './plan_making.ts';
import { unpaired } from './plan_rack.ts';

/** One test after the other: each world takes over the memory of the one before, with all that is prepared there. */
const test = anyTest.serial;

const AUDIT = {
  ...{ name: 'look', requestId: 'look', auditType: 'CONTINUOUS' as const, strategy: 'dummy', goal: '' },
  ...{ parameters: { para1: 1 }, scope: [], intervalMs: 60_000, autoTrigger: true, maxParallel: 0 },
  onFailure: 'STOP' as const,
};

for (const isBackup of [true, false])
  test(`what was under way ${isBackup ? 'in a backup ends, and nothing reaches a BMC' : 'without a backup goes on'}`, async (t) => {
    const world = await worldWith(t, 'n1', 'n2', 'n3', 'n4', 'n5', 'n6');
    const { plans, audits } = world.conductor;
    await make(world, 'runs', [softOff('n1'), softOff('n2', ['n1'])]);
    await make(world, 'is cancelled', [softOff('n3'), softOff('n4', ['n3'])]);
    await plans.start('runs', false);
    await plans.start('is cancelled', false);
    await make(world, 'waits', [softOff('n1')]);
    await plans.start('waits', true);
    await make(world, 'is made', [softOff('n6')]);
    await audits.create(AUDIT);
    await world.clock.turn(10_000);
    const lone = await world.order('n5', 'soft power off');
    await world.clock.turn(1000);
    await plans.cancel('is cancelled', '');
    await world.clock.turn(1000);
    const before = await databaseId(world.database.read);
    await world.killConductor();
    await world.killAgent('a1');
    if (isBackup) await world.database.write(({ sql }) => sql('database_id').update({ backed_up_at: 1 }));
    const [received, told] = [world.received.length, (await story(world)).length];

    await world.startAgent('a2');
    await world.startConductor();
    await world.clock.turn(3_600_000);
    t.is(world.received.length > received, !isBackup);
    const { read } = world.database;
    const task = await read('power_tasks').where('uuid', lone.uuid).first();
    if (!isBackup) {
      t.is(await databaseId(read), before);
      t.is(task.state, 'SUCCEEDED');
      await endWorld(world);
      return;
    }
    t.like(task, { state: 'FAILED', error_code: 'OUTCOME_UNKNOWN' });
    t.like(await standing(world, 'runs'), { plan: { state: 'FAILED' }, actions: { n1: 'FAILED', n2: 'CANCELLED' } });
    t.like(await standing(world, 'is cancelled'), {
      plan: { state: 'FAILED' },
      actions: { n3: 'FAILED', n4: 'CANCELLED' },
    });
    t.like(await standing(world, 'waits'), { plan: { state: 'SUPERSEDED' } });
    t.like(await standing(world, 'is made'), { plan: { state: 'SUPERSEDED' } });
    t.is((await read('audits').where('request_id', 'look').first()).state, 'SUSPENDED');
    t.deepEqual(await read('power_tasks').whereNotIn('state', ['SUCCEEDED', 'FAILED', 'ABORTED']), []);
    t.deepEqual(await read('nodes').whereNotNull('held_by'), []);
    t.deepEqual(unpaired(await story(world)), []);
    t.true((await story(world)).length > told);
    t.not(await databaseId(read), before);
    t.is(await backedUpAt(read), null);
    await endWorld(world);
  });

test('an agent that was there all the time obeys a conductor on a backup', async (t) => {
  const world = await worldWith(t, 'n1');
  for (const target of ['power off', 'power on', 'power off'] as const) {
    await world.order('n1', target);
    await world.clock.turn(60_000);
  }
  await world.stopConductor();
  await world.database.write(({ sql }) => sql('nodes').update({ fence: 1 }));
  await world.database.write(({ sql }) => sql('database_id').update({ backed_up_at: 1 }));
  await world.startConductor();
  await world.clock.turn(60_000);
  const { uuid } = await world.order('n1', 'power on');
  await world.clock.turn(60_000);
  t.is((await world.database.read('power_tasks').where({ uuid }).first()).state, 'SUCCEEDED');
  await endWorld(world);
});

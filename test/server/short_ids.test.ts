/** What lists print of a uuid is enough to name the row, as long as it means one only. */
import test from 'ava';
import { getPlan } from '../../src/server/store/plans.ts';
import { getPowerTask } from '../../src/server/store/power_tasks.ts';
import { make, wanted, worldWith } from './plan_making.ts';

const OFF = wanted('n1', 'change_node_power_state', { resource_id: 'n1', state: 'power off' }, []);

test('a plan and a task by the beginning of their uuid', async (t) => {
  const world = await worldWith(t, 'n1');
  const { read } = world.database;
  await make(world, 'p1', [OFF]);
  const { uuid } = await getPlan('p1', read);
  const task = await world.order('n1', 'power off');
  for (const length of [8, 9, 13, 35]) {
    t.is((await getPlan(uuid.slice(0, length), read)).uuid, uuid);
    t.is((await getPowerTask(task.uuid.slice(0, length), read)).uuid, task.uuid);
  }
  for (const short of [uuid.slice(0, 7), `${uuid.slice(0, 8)}%`, uuid.slice(1, 10)]) {
    await t.throwsAsync(getPlan(short, read), { code: 'ACTION_PLAN_NOT_FOUND' });
    await t.throwsAsync(getPowerTask(short, read), { code: 'POWER_TASK_NOT_FOUND' });
  }
});

test('what begins two uuids is refused with both; a name goes before it', async (t) => {
  const world = await worldWith(t, 'n1');
  const { read } = world.database;
  const uuids = ['aaaaaaaa-1111-4111-8111-111111111111', 'aaaaaaaa-2222-4222-8222-222222222222'];
  const tasks = [await world.order('n1', 'power off')];
  await world.clock.turn(120_000);
  tasks.push(await world.order('n1', 'power on'));
  await world.clock.turn(120_000);
  for (const [at, { uuid }] of tasks.entries())
    await world.database
      .read('power_tasks')
      .where({ uuid })
      .update({ uuid: uuids[at] ?? '' });
  const both = new RegExp(
    `^more than one power task is called 'aaaaaaaa'; name one by its uuid, of which the beginning is enough: ${uuids.map((uuid) => `${uuid} SUCCEEDED`).join(', ')}$`,
  );
  await t.throwsAsync(getPowerTask('aaaaaaaa', read), { code: 'ARGUMENT_INVALID', message: both });
  t.is((await getPowerTask('aaaaaaaa-2', read)).uuid, String(uuids[1]));

  await make(world, 'p1', [OFF]);
  const { uuid } = await getPlan('p1', read);
  await make(world, uuid.slice(0, 8), [OFF]);
  t.not((await getPlan(uuid.slice(0, 8), read)).uuid, uuid);
});

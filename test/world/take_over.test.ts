/** Two conductors over one database: the second is refused, or takes over, and the first stops by itself. */
import test from 'ava';
import { readEvents } from '../../src/server/store/events.ts';
import { World } from './world.ts';

test('a second conductor on the host of one that runs is refused, and changes nothing', async (t) => {
  const world = await World.open(t);
  const { conductor } = world;
  await t.throwsAsync(world.startConductor(), { code: 'DATA_FOLDER_IN_USE', message: /another conductor \(pid 1\)/ });
  t.is(world.conductor, conductor);
  await world.startAgent('a1');
  await world.enrol('n1');
  t.is(world.replaced, 0);
  await world.killConductor();
  await world.startConductor();
  t.not(world.conductor, conductor);
});

test('whoever is taken over from fails with its next write, and stops; what it had under way goes on', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  await world.startAgent('a1');
  await world.startAgent('inside', ['default'], true);
  for (const name of ['n1', 'n2', 'n3']) await world.enrol(name, { fake_soft_ms: '60000' });
  const first = world.conductor;
  for (const name of ['n1', 'n2']) await world.order(name, 'soft power off');
  await world.clock.turn(5000);
  await world.takeOver();
  t.is(world.replaced, 1, 'the first one does not know yet');
  const late = first.orders.store.database.write(async () => 'never');
  await t.throwsAsync(late, { code: 'DATABASE_TAKEN' });
  await world.clock.turn(1000);
  t.is(world.replaced, 0, 'it has stopped');
  t.deepEqual([...world.agents.keys()], ['a1'], 'the agent inside has stopped with it');

  await world.clock.turn(120_000);
  await world.order('n3', 'power off');
  await world.clock.turn(5000);
  const tasks = await world.database.read('power_tasks').orderBy('node_name');
  t.deepEqual(
    tasks.map(({ state }) => state),
    ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'],
  );
  t.deepEqual(
    world.received.map(({ address, target }) => `${address} ${target}`),
    ['n1 soft power off', 'n2 soft power off', 'n3 power off'],
  );
  const events = await readEvents(1, 10_000, world.database.read);
  t.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, at) => at + 1),
  );
  t.deepEqual(world.faults, []);
});

/** Several conductors over one database: a second is refused, or takes over, and the first stops by itself. */
import test from 'ava';
import { readEvents } from '../../src/server/store/events.ts';
import { Crash } from './process.ts';
import type { ConductorHost } from './several.ts';
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

test('whoever takes the database and dies has ended the one before as well, which does not know yet', async (t) => {
  const world = await World.open(t);
  const before = world.conductor;
  await t.throwsAsync(world.takeOver(5), { instanceOf: Crash });
  t.false(world.conductorAlive);
  await world.startConductor();
  t.true(world.conductorAlive);
  const late = before.orders.store.database.write(async () => 'never');
  await t.throwsAsync(late, { code: 'DATABASE_TAKEN' });
  await world.clock.turn(1000);
  t.is(world.replaced, 0, 'it has stopped');
  await world.startAgent('a1');
  t.truthy(await world.enrol('n1'));
});

const THREE = { leaseMs: 3000, clocks: [0, 1, 2].map(() => ({ aheadMs: 0, speed: 1 })) };

test('a leader sleeps through its removal: what it was about to say, and the call at its door, are not believed or stored', async (t) => {
  const world = await World.open(t, { several: THREE, limits: { syncPowerStateIntervalMs: 0 } });
  const { several } = world;
  if (several === null) return t.fail();
  await world.startAgent('a1');
  await world.clock.turn(2000);
  for (const name of ['n1', 'n2']) await world.enrol(name, { fake_soft_ms: '60000' });
  const old = several.leader as ConductorHost;
  world.onChange = (change) => {
    if (change.kind !== 'task' || change.task.state !== 'SENDING') return;
    world.onChange = () => {};
    several.pause(old, 20_000);
  };
  await world.order('n1', 'soft power off');
  const { conductor } = world;
  await world.clock.turn(10);
  t.true(old.process.paused, 'it has committed that the order is sent, and has not told the agent');
  const call = old.process.untilAwake().then(() => world.orderAt(conductor, 'n2', 'rebooting'));
  const refused = t.throwsAsync(call, { code: 'LEADERSHIP_LOST' });
  await world.clock.turn(10_000);
  t.true(several.leader !== null && several.leader !== old, 'another one leads');
  await world.clock.turn(15_000);
  await refused;
  t.is(several.living().length, 1, 'the old one stands by');
  await world.clock.turn(700_000);
  const tasks = await world.database.read('power_tasks').orderBy('created_at');
  t.is(tasks.length, 1);
  t.like(tasks[0], { node_name: 'n1', state: 'FAILED' });
  t.deepEqual(world.received, []);
  t.deepEqual(world.faults, []);
});

test('leaders follow one another within a lease, the last one just started: it waits for what is inside the first one', async (t) => {
  const world = await World.open(t, {
    several: { ...THREE, agentsInside: true },
    limits: { syncPowerStateIntervalMs: 0 },
  });
  const { several } = world;
  if (several === null) return t.fail();
  await world.clock.turn(2000);
  await world.enrol('n1');
  await world.order('n1', 'power off');
  await world.clock.turn(5000);
  const first = several.leader as ConductorHost;
  const { leadsForMs = () => 0 } = first.term ?? {};
  several.cutOff(first, 20_000);
  several.endSession();
  await world.clock.turn(500);
  const second = several.leader as ConductorHost;
  second.process.kill();
  several.endSession();
  await world.startConductor();
  const third = several.leader as ConductorHost;
  t.is(third.name, second.name, 'it can see that the second one has ended, and has not seen the first one');
  t.true(leadsForMs() > 1000);
  const starts: string[] = [];
  world.onSent = ({ agent, message }) => {
    if (message.$case === 'start') starts.push(`${agent}, ${leadsForMs()}`);
  };
  await world.order('n1', 'power on');
  await world.clock.turn(5000);
  t.deepEqual(starts, ['inside-3, 0']);
  t.deepEqual(
    world.received.map(({ target }) => target),
    ['power off', 'power on'],
  );
  t.deepEqual(several.wrong, []);
});

test('a conductor that is started while its database does not answer stays, and leads when that is over', async (t) => {
  const world = await World.open(t, { several: THREE });
  const { several } = world;
  if (several === null) return t.fail();
  const late = several.hosts.find((host) => host !== several.leader) as ConductorHost;
  late.process.kill();
  several.cutOff(late, 40_000);
  await world.startConductor();
  await world.clock.turn(30_000);
  t.deepEqual(world.faults, [], 'its look has failed, and it has not ended');
  for (const host of several.hosts) if (host !== late) host.process.kill();
  several.endSession();
  await world.clock.turn(9000);
  t.is(several.leader, null);
  await world.clock.turn(5000);
  t.is(several.leader, late);
  t.deepEqual(world.faults, []);
});

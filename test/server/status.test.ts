/** What a conductor says of itself: its counts, its agents, its zones and drivers, and what needs an operator. */
import test, { type ExecutionContext } from 'ava';
import { VERSION } from '../../src/core/version.ts';
import { openReadiness } from '../../src/server/api/readiness.ts';
import { createServices } from '../../src/server/api/services.ts';
import { agentsOf, driversOf, statusOf, zonesOf } from '../../src/server/api/status.ts';
import { World } from '../world/world.ts';

async function newWorld(t: ExecutionContext): Promise<World> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  t.teardown(async () => {
    await world.end();
    await world.database.close();
  });
  return world;
}

const hour = 3_600_000;

test('an empty conductor', async (t) => {
  const world = await newWorld(t);
  const { startedAt, databaseId, databaseBytes, ...status } = await statusOf(world.conductor);
  t.is(startedAt?.getTime(), world.conductor.startedAt);
  t.true(databaseBytes > 100_000n);
  t.regex(databaseId, /^[\da-f]{32}$/);
  t.deepEqual(status, {
    version: VERSION,
    diskFull: false,
    nodes: { total: 0, on: 0, off: 0, error: 0, unknown: 0, unreadable: 0, held: 0, maintenance: 0 },
    unsettledPowerTasks: 0,
    pendingActionPlans: 0,
    ongoingActionPlans: 0,
    cancellingActionPlans: 0,
    attachedAgents: 0,
    lostAgents: 0,
    problems: [],
    conductors: [],
    epoch: 0,
    electedAt: undefined,
    sinks: [],
    freezes: 0,
    clouds: [],
  });
  t.deepEqual(await agentsOf(world.conductor), []);
  t.deepEqual(await zonesOf(world.conductor), []);
  t.deepEqual(await driversOf(world.conductor), []);
});

test('each node is counted once, by what is known of it', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('a1');
  for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) await world.enrol(name);
  const set = (name: string, columns: object) => world.database.read('nodes').where({ name }).update(columns);
  const problem = (code: string) => JSON.stringify({ code, message: 'no "code":"BMC_TAKEN" here', since: 1 });
  await set('n1', { power_state: 'power on', maintenance: 1 });
  await set('n2', { power_state: 'power off', problem: problem('BMC_TAKEN') });
  await set('n3', { power_state: 'power on', problem: problem('BMC_SILENT') });
  await set('n4', { power_state: 'error' });
  await set('n5', { power_state: null });
  const { nodes, problems, attachedAgents } = await statusOf(world.conductor);
  t.deepEqual(nodes, { total: 5, on: 1, off: 1, error: 1, unknown: 1, unreadable: 1, held: 0, maintenance: 1 });
  t.is(attachedAgents, 1);
  t.deepEqual(problems, ['1 node cannot be read']);
});

test('agents say what they reach and since when; one that was lost is told of', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('a1', ['east', 'west']);
  const first = world.clock.now();
  await world.clock.turn(hour);
  await world.startAgent('a2', ['west']);
  const { conductor } = world;
  const [one, two] = await agentsOf(conductor);
  t.like(one, { name: 'a1', attached: true, embedded: false, zones: ['east', 'west'], drivers: ['fake'] });
  t.is(one?.attachedAt?.getTime(), first);
  t.is(two?.attachedAt?.getTime(), first + hour);
  await world.killAgent('a1');
  await world.clock.settle();
  const [lost] = await agentsOf(conductor);
  t.like(lost, { name: 'a1', attached: false, zones: [], drivers: [] });
  t.true((await statusOf(conductor)).problems.includes('agent a1 was lost'));
});

test('zones and drivers have their nodes, and a zone without an agent is named', async (t) => {
  const world = await newWorld(t);
  await world.startAgent('a1', ['default', 'spare']);
  await world.enrol('n1');
  await world.enrol('n2');
  await world.database.read('nodes').where({ name: 'n2' }).update({ zone: 'dark' });
  t.deepEqual(await zonesOf(world.conductor), [
    { name: 'dark', nodes: 1, agents: [], drivers: [] },
    { name: 'default', nodes: 1, agents: ['a1'], drivers: ['fake'] },
    { name: 'spare', nodes: 0, agents: ['a1'], drivers: ['fake'] },
  ]);
  const [fake, ...others] = await driversOf(world.conductor);
  t.deepEqual(others, []);
  t.like(fake, { name: 'fake', nodes: 2, zones: ['default', 'spare'] });
  t.true((fake?.targets.length ?? 0) > 0);
  t.true(
    (await statusOf(world.conductor)).problems.includes(
      'no agent with driver fake is attached for zone dark: 1 node can be neither read nor ordered',
    ),
  );
});

test('a disk that is full is called what it is with the database in use', async (t) => {
  const { conductor } = await newWorld(t);
  const { database } = conductor.orders.store;
  t.is(database.disk, 'the disk of the data folder');
  Object.defineProperty(database, 'isFull', { value: true });
  Object.defineProperty(database, 'disk', { value: 'the disk of the PostgreSQL server' });
  t.deepEqual((await statusOf(conductor)).problems, ['the disk of the PostgreSQL server is full: new work is refused']);
  t.throws(() => conductor.disk.admit('/countermand.v1.NodeService/CreateNode', {}), {
    code: 'DISK_FULL',
    message: /^the disk of the PostgreSQL server is full; nothing was written; free some space\. /,
  });
  t.is(
    createServices(conductor).notReady()?.message,
    'the disk of the PostgreSQL server is full; new orders are refused',
  );
});

test('probes are told how many zones have no agent, and that none has one', async (t) => {
  const world = await newWorld(t);
  const ready = openReadiness(world.conductor);
  const later = async () => {
    await world.clock.turn(2000);
    return ready();
  };
  t.deepEqual(await ready(), { zones: 0, zonesWithoutAgent: 0 });
  await world.startAgent('a1');
  for (const name of ['n1', 'n2']) await world.enrol(name);
  t.deepEqual(await later(), { zones: 1, zonesWithoutAgent: 0 });
  await world.database.read('nodes').where({ name: 'n2' }).update({ zone: 'far' });
  t.deepEqual(await later(), { zones: 2, zonesWithoutAgent: 1 });
  await world.stopAgent('a1');
  await t.throwsAsync(later(), { code: 'AGENT_NOT_ATTACHED' } as never);
  // Within a second, the same is told, and nothing is read.
  await world.database.read('nodes').delete();
  await t.throwsAsync(ready(), { code: 'AGENT_NOT_ATTACHED' } as never);
  t.deepEqual(await later(), { zones: 0, zonesWithoutAgent: 0 });
});

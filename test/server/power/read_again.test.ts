/** While a task watches a node, how old its power state is told stays true: readings that confirm it are written now and then. */
import test, { type ExecutionContext } from 'ava';
import { getNode } from '../../../src/server/store/nodes.ts';
import type { NodeRow } from '../../../src/server/store/rows.ts';
import { World } from '../../world/world.ts';
import { endWorld } from '../plan_making.ts';

const node = (world: World): Promise<NodeRow> => getNode('n1', world.database.read);

async function worldOf(t: ExecutionContext, soft: string): Promise<World> {
  const world = await World.create({ limits: { syncPowerStateIntervalMs: 0 } });
  t.teardown(() => world.database.close());
  await world.startAgent('a1');
  await world.enrol('n1', { fake_soft_ms: soft });
  await world.clock.turn(1000);
  return world;
}

/** The age of what is told of n1, each second of a span. */
async function agesOf(world: World, seconds: number): Promise<number[]> {
  const ages: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await world.clock.turn(1000);
    ages.push(world.clock.now() - ((await node(world)).powerStateReadAt ?? 0));
  }
  return ages;
}

test('a node that is watched for minutes is told as it was read seconds ago, in few writes', async (t) => {
  const world = await worldOf(t, 'never');
  await world.order('n1', 'soft power off', { timeoutMs: 600_000 });
  await world.clock.turn(5000);
  const before = await node(world);
  const ages = await agesOf(world, 300);
  // A reading every ten seconds, told and written as soon as the last one is ten seconds old.
  t.true(Math.max(...ages) <= 21_000, `${Math.max(...ages)}`);
  const after = await node(world);
  t.is(after.heldBy, before.heldBy);
  t.true(after.revision - before.revision <= 30, `${after.revision - before.revision} writes in 300 s`);
  t.deepEqual(
    { ...after, powerStateReadAt: 0, revision: 0, updatedAt: 0 },
    { ...before, powerStateReadAt: 0, revision: 0, updatedAt: 0 },
  );
  await endWorld(world);
});

test('a task that is over within ten seconds costs no such write', async (t) => {
  const world = await worldOf(t, '5000');
  await world.order('n1', 'soft power off');
  const taken = (await node(world)).revision;
  await world.clock.turn(9000);
  const after = await node(world);
  t.is(after.powerState, 'power off');
  t.is(after.revision, taken + 1);
  await endWorld(world);
});

test('of a BMC that has fallen silent, what is told grows old', async (t) => {
  const world = await worldOf(t, 'never');
  await world.order('n1', 'soft power off', { timeoutMs: 600_000 });
  await world.clock.turn(30_000);
  const server = world.server('n1');
  server.settings = { ...server.settings, fake_fault: 'silent' };
  await world.clock.turn(20_000);
  const { powerStateReadAt, problem } = await node(world);
  t.is(problem?.code, 'BMC_SILENT');
  const ages = await agesOf(world, 60);
  t.is((await node(world)).powerStateReadAt, powerStateReadAt);
  t.true(Math.min(...ages) >= 20_000);
  await endWorld(world);
});

/** The rollback of a plan whose nodes, or their agent, are not as they were. */
import test from 'ava';
import { changeNode } from '../../../src/server/nodes/enrolment.ts';
import { getPlan } from '../../../src/server/store/plans.ts';
import type { World } from '../../world/world.ts';
import { make, standing, wanted, worldWith } from '../plan_making.ts';

const ON = wanted('up', 'change_node_power_state', { resource_id: 'n1', state: 'power on' });

async function poweredOn(t: Parameters<typeof worldWith>[0]) {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_power_state: 'off' });
  await make(world, 'p1', [ON]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(60_000);
  t.is((await standing(world, 'p1')).plan.state, 'SUCCEEDED');
  world.received.length = 0;
  return world;
}

const order = (world: World) =>
  world.conductor.plans.rollback({ plan: 'p1', requestId: 'r1', skipIrreversible: false, acceptDrift: false });
const targets = ({ received }: World) => received.map(({ target }) => target);

test('while its agent is away: what was off is powered off softly when the agent is there again', async (t) => {
  const world = await poweredOn(t);
  await world.killAgent('a1');
  await world.clock.turn(300_000);
  const { uuid } = await order(world);
  await world.clock.turn(60_000);
  await world.startAgent('a1');
  await world.clock.turn(60_000);
  t.is((await getPlan(uuid, world.database.read)).state, 'SUCCEEDED');
  t.deepEqual(targets(world), ['soft power off']);
});

const change = (world: World, wanted: object) => {
  const none = { setLabels: {}, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
  return world.finish(changeNode({ node: 'n1', ...none, ...wanted }, world.conductor));
};

test('of a node that was renamed and is in maintenance', async (t) => {
  const world = await poweredOn(t);
  await change(world, { name: 'renamed', maintenance: true, maintenanceReason: 'work' });
  const { uuid } = await order(world);
  await world.clock.turn(60_000);
  t.is((await getPlan(uuid, world.database.read)).state, 'SUCCEEDED');
  t.deepEqual(targets(world), ['soft power off']);
});

test('of a node that is in another zone now, whose only agent is away', async (t) => {
  const world = await poweredOn(t);
  await world.startAgent('a2', ['z2']);
  await world.clock.turn(1000);
  await change(world, { zone: 'z2' });
  await world.killAgent('a2');
  await world.clock.turn(300_000);
  const { uuid } = await order(world);
  await world.clock.turn(10_000);
  await world.startAgent('a2', ['z2']);
  await world.clock.turn(60_000);
  t.is((await getPlan(uuid, world.database.read)).state, 'SUCCEEDED');
  t.deepEqual(targets(world), ['soft power off']);
});

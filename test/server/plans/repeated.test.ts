/** What a client that has not heard the answer asks again, about plans: it is answered by what the first call has done. */
import test from 'ava';
import type { CountermandError } from '../../../src/core/errors.ts';
import { changeNode, deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { createActionPlan } from '../../../src/server/plans/create.ts';
import type { WantedPlan } from '../../../src/server/plans/wanted.ts';
import type { World } from '../../world/world.ts';
import { make, softOff, standing, wanted, worldWith } from '../plan_making.ts';
import { partsWaiting } from '../waiting_reads.ts';

const NAP = wanted('nap', 'sleep', { duration: 3600 });
const off = (node: string) => wanted(node, 'change_node_power_state', { resource_id: node, state: 'power off' });
const plan = (name: string, ...actions: WantedPlan['actions']): WantedPlan => ({
  ...{ name, requestId: name, maxParallel: 0, canary: 0, onFailure: 'STOP', actions },
});
const SAME = { setLabels: {}, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
const maintain = (world: World, node: string) =>
  world.finish(changeNode({ ...SAME, node, maintenance: true }, world.conductor));
const plansIn = async (world: World): Promise<number> => (await world.database.read('action_plans')).length;

for (const gone of [true, false])
  test(`a plan that is asked for again while it is made is one plan, ${gone ? 'though one of its nodes is gone since' : 'also if nothing is in its way'}`, async (t) => {
    const world = await worldWith(t, 'n1', 'n2');
    const made = Promise.withResolvers<void>();
    const asked = plan('p1', off('n1'), off('n2'));
    // It has not found the plan, and looks at the nodes when that is written and one of them is gone.
    const second = createActionPlan(asked, partsWaiting(world, 'nodes', made.promise));
    await world.clock.settle();
    const first = await world.finish(createActionPlan(asked, world.conductor));
    if (gone) await world.finish(deleteNode('n2', world.conductor));
    made.resolve();
    t.is((await world.finish(second)).uuid, first.uuid);
    t.is(await plansIn(world), 1);
    const other = createActionPlan({ ...asked, requestId: 'other' }, world.conductor);
    if (gone) await t.throwsAsync(world.finish(other), { code: 'NODE_NOT_FOUND' } as never);
    else t.not((await world.finish(other)).uuid, first.uuid);
  });

test('what is asked for with the same id while a plan is made, and is another plan, is refused', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  const made = Promise.withResolvers<void>();
  const second = createActionPlan(plan('p1', off('n2')), partsWaiting(world, 'nodes', made.promise));
  await world.clock.settle();
  await world.finish(createActionPlan(plan('p1', off('n1')), world.conductor));
  await world.finish(deleteNode('n2', world.conductor));
  made.resolve();
  await t.throwsAsync(world.finish(second), { code: 'REQUEST_ID_TAKEN' } as never);
});

test('a cancel that rolls back is asked again while its rollback runs, and when all is over', async (t) => {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', [off('n1'), NAP]);
  const { plans } = world.conductor;
  await plans.start('p1', false);
  await world.clock.turn(30_000);
  const states: string[] = [];
  for (const waited of [0, 0, 60_000, 60_000]) {
    await world.clock.turn(waited);
    states.push((await world.finish(plans.cancel('p1', '', true))).state);
  }
  t.deepEqual(states, ['CANCELLING', 'CANCELLED', 'CANCELLED', 'CANCELLED']);
  t.is((await world.finish(plans.cancel('p1', ''))).state, 'CANCELLED');
  t.is(await plansIn(world), 2);
});

test('a cancel of what cannot be taken back is asked again when all is over', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_answer_ms: '2000' });
  await make(world, 'p1', [off('n1')]);
  const { plans } = world.conductor;
  await plans.start('p1', false);
  await world.clock.turn(5000);
  await world.killAgent('a1');
  t.is((await world.finish(plans.cancel('p1', ''))).state, 'CANCELLING');
  await world.clock.turn(600_000);
  t.is((await standing(world, 'p1')).plan.state, 'FAILED');
  t.is((await world.finish(plans.cancel('p1', ''))).state, 'FAILED');
  const rollsBack = await t.throwsAsync<CountermandError>(world.finish(plans.cancel('p1', '', true)));
  t.is(rollsBack?.code, 'ACTION_PLAN_STATE');
});

test('a cancel that rolls back is asked again of a plan that never ran', async (t) => {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', [off('n1')]);
  const { plans } = world.conductor;
  for (const rollback of [true, true, false])
    t.is((await world.finish(plans.cancel('p1', '', rollback))).state, 'CANCELLED');
});

test('a cancel that rolls back is refused if the cancel before it did not, and all is over', async (t) => {
  const world = await worldWith(t, 'n1');
  await make(world, 'p1', [off('n1'), NAP]);
  const { plans } = world.conductor;
  await plans.start('p1', false);
  await world.clock.turn(30_000);
  await plans.cancel('p1', '');
  await world.clock.turn(60_000);
  const error = await t.throwsAsync<CountermandError>(world.finish(plans.cancel('p1', '', true)));
  t.is(error?.code, 'ACTION_PLAN_STATE');
  t.regex(error?.message ?? '', /roll it back/);
});

test('a plan that was made and started, and then superseded, is answered as it is', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  await make(world, 'first', [softOff('n1'), NAP]);
  await plans.start('first', false);
  const second = plan('second', off('n1'));
  t.is((await world.finish(plans.createAndStart(second, true, null))).state, 'PENDING');
  await world.clock.turn(10_000);
  await maintain(world, 'n1');
  t.is((await standing(world, 'second')).plan.state, 'SUPERSEDED');
  t.is((await world.finish(plans.createAndStart(second, true, null))).state, 'SUPERSEDED');
});

test('a plan that was only made, and then superseded, is not started', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  await make(world, 'p1', [off('n1')]);
  await maintain(world, 'n1');
  const error = await t.throwsAsync<CountermandError>(plans.createAndStart(plan('p1', off('n1')), true, null));
  t.is(error?.code, 'ACTION_PLAN_STATE');
});

test('a plan that was made before, and is started by the same request, is offered to wait for the one in its way', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans } = world.conductor;
  const asked = plan('p1', off('n1'));
  await make(world, 'first', [NAP, softOff('n1')]);
  await plans.start('first', false);
  await make(world, 'p1', asked.actions);
  const made = await t.throwsAsync<CountermandError>(world.finish(plans.createAndStart(asked, false, null)));
  t.like(made?.details.possible?.[0], { verb: 'START_ACTION_PLAN', queue: true });
  const unmade = plan('p2', off('n1'));
  const error = await t.throwsAsync<CountermandError>(world.finish(plans.createAndStart(unmade, false, null)));
  t.deepEqual([error?.code, error?.details.possible?.[0]?.verb], ['ACTION_PLAN_OVERLAPS', 'CANCEL_ACTION_PLAN']);
});

test('a cancel that is under way is asked to roll back as well', async (t) => {
  const world = await worldWith(t, 'n1', 'n2');
  await make(world, 'p1', [off('n1'), softOff('n2', ['n1'])]);
  const { plans } = world.conductor;
  await plans.start('p1', false);
  await world.clock.turn(30_000);
  const both = [plans.cancel('p1', ''), plans.cancel('p1', '', true)];
  const [first, second] = await world.finish(Promise.all(both));
  t.like(first, { state: 'CANCELLING', rollsBack: false });
  t.like(second, { state: 'CANCELLING', rollsBack: true });
  await world.clock.turn(60_000);
  t.not((await standing(world, 'p1')).plan.rolledBackBy, null);
});

/** Plans that roll themselves back as they end: what is in the way of the rollback never keeps the plan from ending. */
import test from 'ava';
import { changeNodePowerState } from '../../../src/server/plans/actions/change_node_power_state.ts';
import { make, standing, wanted, worldWith } from '../plan_making.ts';
import { nodeRow, taskRow } from '../rows.ts';

const off = (node: string, parents: readonly string[] = []) =>
  wanted(node, 'change_node_power_state', { resource_id: node, state: 'power off' }, parents);
const NAP = wanted('nap', 'sleep', { duration: 3600 });

test('many nodes, a pause and many nodes are undone', async (t) => {
  const nodes = Array.from({ length: 220 }, (_, at) => `n${at}`);
  const world = await worldWith(t, ...nodes);
  const first = nodes.slice(0, 110);
  const stages = [...first.map((node) => off(node)), wanted('pause', 'nop', {}, first)];
  const second = nodes.slice(110).map((node) => off(node, ['pause']));
  await make(world, 'p1', [...stages, ...second, { ...NAP, parents: ['pause'] }], { maxParallel: 1000 });
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(60_000);
  await world.conductor.plans.cancel('p1', '', true);
  await world.clock.turn(60_000);
  const { plan } = await standing(world, 'p1');
  t.is(plan.state, 'CANCELLED');
  const rollback = await world.database.read('action_plans').where('uuid', plan.rolledBackBy).first();
  t.is(rollback.state, 'SUCCEEDED');
  t.is(rollback.size, 221);
  t.is((await world.database.read('nodes').where('power_state', 'power on')).length, 220);
});

for (const how of ['cancel', 'failure'] as const)
  test(`a plan whose rollback is refused ends all the same and says why, after a ${how}`, async (t) => {
    const world = await worldWith(t, 'n1');
    await world.enrol('bad', { fake_fault: 'refuse' });
    const last = how === 'cancel' ? NAP : off('bad');
    await make(world, 'p1', [off('n1'), { ...last, parents: ['n1'] }], { onFailure: 'ROLLBACK' });
    // As a version would find what another has written that knows other parameters.
    const spoil = () =>
      world.database.write(({ sql }) => sql('actions').where('name', 'n1').update('input_parameters', '{"node":"n1"}'));
    world.onChange = (change) => {
      const actions = change.kind === 'plan' ? change.actions : [];
      if (actions.some(({ name, state }) => name === 'n1' && state === 'SUCCEEDED')) void spoil();
    };
    await world.conductor.plans.start('p1', false);
    await world.clock.turn(60_000);
    if (how === 'cancel') await world.conductor.plans.cancel('p1', '', true);
    await world.clock.turn(60_000);
    const { plan } = await standing(world, 'p1');
    t.like(plan, { state: how === 'cancel' ? 'CANCELLED' : 'FAILED', rolledBackBy: null });
    t.regex(plan.statusMessage, /; it was not rolled back: action 'n1'.*there is no parameter/);
  });

test('what the driver of a node cannot do any more is left alone', (t) => {
  const node = nodeRow();
  const task = taskRow(node, { state: 'SUCCEEDED', target: 'power off', beforePowerState: 'power on', sendingAt: 1 });
  const targets = ['power off', 'soft power off'] as const;
  const done = { action: { nodeUuid: node.uuid }, node, task, driver: { name: 'fake', targets } } as never;
  const undo = changeNodePowerState.undo({ state: 'power off' } as never, done);
  t.deepEqual(undo, { kind: 'irreversible', why: `driver fake of node ${node.name} cannot do power on` });
});

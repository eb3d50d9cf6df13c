/** An action whose precondition refuses it is a failure: what could have begun in the same turn does not begin if the plan stops at one. */
import test from 'ava';
import { deleteNode } from '../../../src/server/nodes/enrolment.ts';
import { endWorld, make, standing, story, wanted, worldWith } from '../plan_making.ts';

for (const onFailure of ['STOP', 'CONTINUE'] as const)
  test(`beside an action that is refused, ${onFailure === 'STOP' ? 'nothing begins' : 'others begin'}: ${onFailure}`, async (t) => {
    const world = await worldWith(t, 'n1');
    const out = wanted('out', 'set_node_maintenance', { resource_id: 'n1', maintenance: true });
    await make(world, 'p1', [out, wanted('beside', 'sleep', { duration: 1 })], { onFailure });
    // As it was made, and not superseded: its node is gone for this plan alone.
    await world.database.write(({ sql }) => sql('plan_nodes').delete());
    await world.finish(deleteNode('n1', world.conductor));
    await world.conductor.plans.start('p1', false);
    await world.clock.turn(60_000);
    const { plan, actions } = await standing(world, 'p1');
    t.is(plan.state, 'FAILED');
    t.deepEqual(actions, { out: 'FAILED', beside: onFailure === 'STOP' ? 'CANCELLED' : 'SUCCEEDED' });
    const began = (await story(world)).some((line) => line.startsWith('action.execution.start beside'));
    t.is(began, onFailure === 'CONTINUE');
    await endWorld(world);
  });

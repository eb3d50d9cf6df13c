/** A cancel that is committed while its plan cannot look at it: its run is being built, an action ends, or gives an order. */
import test from 'ava';
import type { ActionType } from '../../../src/server/plans/actions/action_type.ts';
import { findActionType } from '../../../src/server/plans/actions/list.ts';
import { Engine } from '../../../src/server/plans/engine.ts';
import { movePlan } from '../../../src/server/plans/transition.ts';
import { getContext } from '../../../src/server/store/plans.ts';
import { make, softOff, standing, wanted, worldWith } from '../plan_making.ts';
import { partsWaiting } from '../waiting_reads.ts';

test('nothing begins while the run is being built from the rows, and the plan comes to rest', async (t) => {
  const world = await worldWith(t);
  await make(world, 'p1', [wanted('nap', 'sleep', { duration: 3600 }), wanted('rest', 'nop', {}, ['nap'])]);
  const cancelled = Promise.withResolvers<void>();
  const plans = new Engine(partsWaiting(world, 'actions', cancelled.promise));
  await world.finish(plans.start('p1', false));
  t.is((await world.finish(plans.cancel('p1', ''))).state, 'CANCELLING');
  cancelled.resolve();
  await world.clock.turn(1000);
  const { plan, actions } = await standing(world, 'p1');
  t.is(plan.state, 'CANCELLED');
  t.deepEqual(actions, { nap: 'CANCELLED', rest: 'CANCELLED' });
  t.is(plans.size, 0);
});

test('an action that is done, and only looks whether it is so, is not called taken back', async (t) => {
  const world = await worldWith(t);
  const sleep = findActionType('sleep') as { postCondition: ActionType['postCondition'] };
  const cancelled = Promise.withResolvers<void>();
  sleep.postCondition = async (_parameters, { action }) => {
    if (action.name === 'done meanwhile') await cancelled.promise;
  };
  await make(world, 'p1', [wanted('done meanwhile', 'sleep', { duration: 0 })]);
  await world.finish(world.conductor.plans.start('p1', false));
  await world.clock.turn(1000);
  await world.finish(world.conductor.plans.cancel('p1', ''));
  await world.clock.settle();
  cancelled.resolve();
  await world.clock.turn(1000);
  const { plan, actions } = await standing(world, 'p1');
  t.deepEqual([plan.state, actions['done meanwhile']], ['CANCELLED', 'SUCCEEDED']);
});

test('an order that is refused for a cancel, which the run has not heard of yet, is no failure', async (t) => {
  const world = await worldWith(t, 'n1');
  const { plans, orders } = world.conductor;
  await world.order('n1', 'soft power off');
  await make(world, 'p1', [softOff('n1')]);
  await world.finish(plans.start('p1', false));
  const { uuid } = (await standing(world, 'p1')).plan;
  const cancelDeadlineAt = world.clock.now() + 3_600_000;
  await orders.store.database.write(async (transaction) => {
    await movePlan('cancel', await getContext(uuid, transaction.sql), { cancelDeadlineAt }, transaction, orders.store);
  });
  // The node is free, and the action gives its order.
  await world.clock.turn(120_000);
  await world.finish(plans.look(uuid));
  await world.clock.turn(1000);
  const { plan, actions } = await standing(world, 'p1');
  t.deepEqual([plan.state, actions.n1], ['CANCELLED', 'CANCELLED']);
});

/** A cancel that is committed while the run of its plan is being built from the rows: the run has read the plan, and not its actions. */
import test from 'ava';
import { Engine } from '../../../src/server/plans/engine.ts';
import { make, standing, wanted, worldWith } from '../plan_making.ts';
import { partsWaiting } from '../waiting_reads.ts';

test('nothing begins, and the plan comes to rest', async (t) => {
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

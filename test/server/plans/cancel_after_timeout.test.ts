/** A plan that is cancelled while an action of it is being taken back because its time was over. */
import test from 'ava';
import { make, softOff, standing, worldWith } from '../plan_making.ts';

test('the action is CANCELLED with its plan, and has not failed', async (t) => {
  const world = await worldWith(t);
  await world.enrol('n1', { fake_soft_ms: 'never', fake_recall: 'works', fake_answer_ms: '2000' });
  await make(world, 'p1', [{ ...softOff('n1'), timeoutMs: 30_000 }]);
  await world.conductor.plans.start('p1', false);
  await world.clock.turn(31_000);
  t.is((await world.database.read('power_tasks').first()).state, 'ABORTING');
  t.is((await standing(world, 'p1')).actions.n1, 'ONGOING');
  t.is((await world.conductor.plans.cancel('p1', '')).state, 'CANCELLING');
  await world.clock.turn(120_000);
  const { plan, actions } = await standing(world, 'p1');
  t.deepEqual([plan.state, actions.n1], ['CANCELLED', 'CANCELLED']);
});

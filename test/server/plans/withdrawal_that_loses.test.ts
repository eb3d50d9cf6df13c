/** A cancel that would withdraw the order of an action, and comes second: the order is being sent, so it is aborted. */
import test from 'ava';
import { othersFirst } from '../../../src/core/clock.ts';
import type { Report } from '../../../src/core/report.ts';
import type { Attachment } from '../../../src/server/agents/attachments.ts';
import { make, softOff, standing, worldWith } from '../plan_making.ts';

test('the order is aborted, and the action is taken back', async (t) => {
  const world = await worldWith(t, 'n1');
  const { orders, plans } = world.conductor;
  const { keeper } = orders;
  const [order, reported] = [keeper.order.bind(keeper), keeper.reported.bind(keeper)];
  const held: [Report, Attachment][] = [];
  keeper.reported = (...come) => {
    held.push(come);
  };
  const taken: string[] = [];
  keeper.order = async (each) => {
    taken.push(each.kind);
    if (each.kind === 'withdrawal') {
      keeper.reported = reported;
      for (const come of held) reported(...come);
      const sending = () => world.database.read('power_tasks').whereNot('state', 'QUEUED').first('uuid');
      while (!(await sending())) await othersFirst();
    }
    return order(each);
  };
  await make(world, 'p1', [softOff('n1')]);
  await plans.start('p1', false);
  await world.clock.turn(1000);
  await world.finish(plans.cancel('p1', ''));
  await world.clock.turn(60_000);
  t.deepEqual(taken, ['change', 'withdrawal', 'abort']);
  const { plan, actions } = await standing(world, 'p1');
  t.deepEqual([plan.state, actions], ['CANCELLED', { n1: 'CANCELLED' }]);
});

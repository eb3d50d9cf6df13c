/**
 * SIGKILL while the actions of a plan run on real BMCs: one order is on its way, one waits for the operating system, one
 * action is done, two have not begun. The plan goes on from its rows, and no BMC receives anything twice.
 */
import test from 'ava';
import { never } from '../counterparts/signals.ts';
import { allTasks } from './client.ts';
import { openHouse } from './house.ts';
import { houseFor, Listener, untilNoSessionAt, VICTIMS } from './killing.ts';
import { enrolSim, nodeNow, ordersAt } from './orders.ts';
import { actionStates, checkPlanTrail, power, startPlan, untilActionIn, untilPlanEnds, watchPlan } from './plans.ts';
import { checkTrail } from './trail.ts';

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} while the actions of a plan run`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const [slow, held, next, last] = await Promise.all([
      enrolSim(t, house, 'slow', { softOffDelayS: 'never' }),
      enrolSim(t, house, 'held', { holds: true }),
      enrolSim(t, house, 'next'),
      enrolSim(t, house, 'last'),
    ]);
    const drain = { resource_id: 'slow', maintenance: true, reason: 'rack work' };
    const listener = new Listener(house);
    const { uuid } = await startPlan(house.client, 'rack down', [
      { name: 'drain', actionType: 'set_node_maintenance', inputParameters: drain },
      power('slow', 'soft power off', 'drain'),
      power('held', 'soft rebooting'),
      power('next', 'soft power off', 'slow'),
      power('last', 'power off', 'next', 'held'),
    ]);
    const before = watchPlan(house.client, uuid);
    await untilActionIn(before, 'slow', 'ONGOING');
    await Promise.all([slow.untilReceived('soft', 1, never()), held.untilReceived('soft', 1, never())]);

    await house.kill(victim.part);
    if (victim.agentDies) await untilNoSessionAt(slow, held);
    await held.configure({ holds: false });
    await house.start(victim.part);
    listener.resume();
    await slow.setPower('power off');

    const watch = watchPlan(house.client, uuid);
    t.like(await untilPlanEnds(watch), { state: 'SUCCEEDED', statusMessage: 'actions: 5 succeeded' });
    t.is(await watch.ended, null);
    const done = { drain: 'SUCCEEDED', slow: 'SUCCEEDED', held: 'SUCCEEDED', next: 'SUCCEEDED', last: 'SUCCEEDED' };
    t.deepEqual(await actionStates(house.client, uuid), done as never);
    t.deepEqual(await Promise.all([slow, held, next, last].map(ordersAt)), [
      ['soft'],
      ['soft', 'on'],
      ['soft'],
      ['off'],
    ]);
    for (const [name, state] of Object.entries({ slow: 'OFF', held: 'ON', next: 'OFF', last: 'OFF' } as const))
      t.is((await nodeNow(house.client, name)).powerState, state, name);
    t.is((await allTasks(house.client)).length, 4, 'one power task for each action');
    await checkTrail(t, house.client);
    await listener.check(t, await checkPlanTrail(t, house.client));
  });
}

test('a conductor that is killed again and again does each of many actions once', async (t) => {
  const house = await openHouse(t, { apart: true });
  const actions = Array.from({ length: 60 }, (_, at) => ({
    name: `a${at}`,
    actionType: 'sleep',
    inputParameters: { duration: 0.05 },
    parents: at < 4 ? [] : [`a${at - 4}`],
  }));
  const listener = new Listener(house);
  const { uuid } = await startPlan(house.client, 'long', actions);
  for (const reached of ['a8', 'a20', 'a40']) {
    await untilActionIn(watchPlan(house.client, uuid), reached, 'SUCCEEDED');
    await house.kill('conductor');
    await house.start('conductor');
    listener.resume();
  }
  t.like(await untilPlanEnds(watchPlan(house.client, uuid)), { state: 'SUCCEEDED' });
  await listener.check(t, await checkPlanTrail(t, house.client));
});

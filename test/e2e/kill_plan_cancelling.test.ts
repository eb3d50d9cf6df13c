/** SIGKILL around the cancel of a plan on real BMCs: no cancel is lost, nothing begins after it, nothing is sent twice. */
import test from 'ava';
import { never } from '../counterparts/signals.ts';
import { openHouse } from './house.ts';
import { houseFor, Listener, untilNoSessionAt, VICTIMS } from './killing.ts';
import { enrolSim, ordersAt } from './orders.ts';
import {
  actionStates,
  actionsNow,
  cancelPlan,
  checkPlanTrail,
  power,
  startPlan,
  untilActionIn,
  untilPlanEnds,
  watchPlan,
} from './plans.ts';
import { checkTrail } from './trail.ts';

for (const victim of VICTIMS.filter(({ part }) => part === 'conductor')) {
  test(`SIGKILL of ${victim.title} right after the first answer to a cancel`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const hangs = { softOffDelayS: 'never' } as const;
    const [one, two, next] = await Promise.all([
      enrolSim(t, house, 'one', hangs),
      enrolSim(t, house, 'two', hangs),
      enrolSim(t, house, 'next'),
    ]);
    const listener = new Listener(house);
    const { uuid } = await startPlan(house.client, 'rack down', [
      power('one', 'soft power off'),
      power('two', 'soft power off'),
      power('next', 'soft power off', 'one', 'two'),
    ]);
    await Promise.all([one.untilReceived('soft', 1, never()), two.untilReceived('soft', 1, never())]);
    const cancel = cancelPlan(house.client, uuid, 'wrong rack');
    const first = await cancel.until('the first answer', () => true);
    t.is(first.state, 'CANCELLING');
    await house.kill('conductor');
    if (victim.agentDies) await untilNoSessionAt(one, two);
    await house.start('conductor');
    listener.resume();

    const ended = await untilPlanEnds(watchPlan(house.client, uuid));
    t.like(ended, { state: 'CANCELLED', statusMessage: 'cancelled: wrong rack; actions: 3 cancelled' });
    const actions = await actionsNow(house.client, uuid);
    for (const name of ['one', 'two']) {
      t.is(actions[name]?.result?.abort_outcome, 'STOPPED_WAITING', name);
      t.deepEqual(actions[name]?.beforeImage, { power_state: 'power on' }, name);
    }
    t.deepEqual(await Promise.all([one, two, next].map(ordersAt)), [['soft'], ['soft'], []]);
    t.like(await untilPlanEnds(cancelPlan(house.client, uuid)), { state: 'CANCELLED' }, 'asking again joins');
    await checkTrail(t, house.client);
    await listener.check(t, await checkPlanTrail(t, house.client));
  });
}

for (const victim of VICTIMS) {
  test(`SIGKILL of ${victim.title} while a plan is CANCELLING`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const [soft, hard, next] = await Promise.all([
      enrolSim(t, house, 'soft', { softOffDelayS: 'never' }),
      enrolSim(t, house, 'hard', { holds: true }),
      enrolSim(t, house, 'next'),
    ]);
    const listener = new Listener(house);
    const { uuid } = await startPlan(house.client, 'rack down', [
      power('soft', 'soft power off'),
      power('hard', 'power off'),
      power('next', 'soft power off', 'hard'),
    ]);
    await Promise.all([soft.untilReceived('soft', 1, never()), hard.untilReceived('off', 1, never())]);
    const cancel = cancelPlan(house.client, uuid);
    // A hard order cannot be taken back once it may be on its way: the cancel waits for what comes of it.
    await untilActionIn(cancel, 'soft', 'CANCELLED');
    await untilActionIn(cancel, 'hard', 'CANCELLING');
    await house.kill(victim.part);
    if (victim.agentDies) await untilNoSessionAt(soft, hard);
    await hard.configure({ holds: false });
    await house.start(victim.part);
    listener.resume();

    t.like(await untilPlanEnds(watchPlan(house.client, uuid)), { state: 'CANCELLED' });
    const states = { soft: 'CANCELLED', hard: 'SUCCEEDED', next: 'CANCELLED' };
    t.deepEqual(await actionStates(house.client, uuid), states as never);
    t.deepEqual(await ordersAt(soft), ['soft']);
    t.deepEqual(await ordersAt(next), []);
    // Sending a power off twice is the same as sending it once, so after the death of its sender it may be repeated.
    t.deepEqual([...new Set(await ordersAt(hard))], ['off']);
    if (!victim.agentDies) t.is((await ordersAt(hard)).length, 1);
    await checkTrail(t, house.client);
    await listener.check(t, await checkPlanTrail(t, house.client));
  });
}

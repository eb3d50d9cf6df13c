/** Action plans on real BMCs, from a gRPC call to the hardware and back. */
import test from 'ava';
import type { ActionPlanState } from '../../src/core/states.ts';
import { never } from '../counterparts/signals.ts';
import { connect, type Event } from './client.ts';
import { openHouse } from './house.ts';
import { enrolSim, ordersAt, subscribe } from './orders.ts';
import {
  actionStates,
  actionsNow,
  cancelPlan,
  checkPlanTrail,
  createPlan,
  power,
  startPlan,
  storyOf,
  untilActionIn,
  untilPlanEnds,
  untilPlanIn,
  watchPlan,
} from './plans.ts';
import { refused } from './refusals.ts';
import { checkTrail } from './trail.ts';

/** Each state that the events of plans and actions tell, in order. */
function statesTold(events: readonly Event[]): string[] {
  const own = events.filter(({ type }) => /^action(_plan)?\.(create|update)$/.test(type));
  return own.map(({ data }) => `${data.name} ${data.state_update?.['watcher_object.data'].state ?? data.state}`);
}

test('a plan is made, started and watched to its end, and its events come in order', async (t) => {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  const [one, two] = await Promise.all([enrolSim(t, house, 'one', { softOffDelayS: 1 }), enrolSim(t, house, 'two')]);
  const heard = subscribe(client);
  const made = await createPlan(client, 'rack down', [
    power('one', 'soft power off'),
    power('two', 'soft power off', 'one'),
  ]);
  t.is(made.state, 'RECOMMENDED');
  t.deepEqual(await ordersAt(one), []);
  const watch = watchPlan(client, made.uuid);
  await untilPlanIn(watch, 'RECOMMENDED');
  await client.plans.startActionPlan({ actionPlan: 'rack down' });

  t.like(await untilPlanEnds(watch), { state: 'SUCCEEDED', statusMessage: 'actions: 2 succeeded' });
  t.is(await watch.ended, null);
  // A stream tells what is new since it was last read; that each state was told of is seen in the events below.
  const states = ['RECOMMENDED', 'PENDING', 'ONGOING', 'SUCCEEDED'];
  const told = [...new Set(watch.seen.map(({ state }) => state))];
  t.deepEqual(told, states.filter((state) => told.includes(state as ActionPlanState)) as ActionPlanState[]);
  t.like(told, { 0: 'RECOMMENDED', [told.length - 1]: 'SUCCEEDED' });
  const actions = await actionsNow(client, made.uuid);
  for (const name of ['one', 'two']) {
    t.deepEqual(actions[name]?.beforeImage, { power_state: 'power on' }, name);
    t.like(actions[name]?.result, { sent: true, observed_power_state: 'power off' }, name);
  }
  t.deepEqual(await Promise.all([one, two].map(ordersAt)), [['soft'], ['soft']]);

  await checkTrail(t, client);
  const events = await checkPlanTrail(t, client);
  await heard.until('the last event', ({ sequence }) => sequence === events.at(-1)?.sequence);
  t.deepEqual(heard.seen, [...events]);
  t.deepEqual(statesTold(events), [
    ...['rack down RECOMMENDED', 'one PENDING', 'two PENDING', 'rack down PENDING', 'rack down ONGOING'],
    ...['one ONGOING', 'one SUCCEEDED', 'two ONGOING', 'two SUCCEEDED', 'rack down SUCCEEDED'],
  ]);
  t.deepEqual(storyOf(made, events), ['create', 'update', 'update', 'execution.start', 'update', 'execution.end']);
  const lived = ['create', 'update', 'execution.start', 'update', 'execution.end'];
  for (const name of ['one', 'two']) t.deepEqual(storyOf({ uuid: actions[name]?.uuid ?? '' }, events), lived, name);
});

test('a plan that one client watches is cancelled by another: both see it end CANCELLED', async (t) => {
  const house = await openHouse(t, { here: true, apart: true });
  const hangs = { softOffDelayS: 'never' } as const;
  const [one, two, next] = await Promise.all([
    enrolSim(t, house, 'one', hangs),
    enrolSim(t, house, 'two', hangs),
    enrolSim(t, house, 'next'),
  ]);
  const second = connect(house.address);
  t.teardown(() => second.close());
  const { uuid } = await startPlan(house.client, 'rack down', [
    power('one', 'soft power off'),
    power('two', 'soft power off'),
    power('next', 'soft power off', 'one', 'two'),
  ]);
  const watch = watchPlan(house.client, uuid);
  await Promise.all([one.untilReceived('soft', 1, never()), two.untilReceived('soft', 1, never())]);
  const cancel = cancelPlan(second, 'rack down', 'wrong rack');

  for (const stream of [watch, cancel]) {
    t.like(await untilPlanEnds(stream), { state: 'CANCELLED', errorCode: '' });
    t.is(await stream.ended, null);
    await untilPlanIn(stream, 'CANCELLING');
    for (const name of ['one', 'two', 'next']) await untilActionIn(stream, name, 'CANCELLED');
  }
  t.is(cancel.seen[0]?.state, 'CANCELLING', 'the cancel is durable before the first answer');
  t.deepEqual(await Promise.all([one, two, next].map(ordersAt)), [['soft'], ['soft'], []]);
  const events = await checkPlanTrail(t, house.client);
  const plan = ['create', 'update', 'update', 'execution.start', 'update', 'cancel.start', 'update', 'cancel.end'];
  t.deepEqual(storyOf({ uuid }, events), plan);
  const actions = await actionsNow(house.client, uuid);
  t.deepEqual(storyOf(actions.next ?? { uuid: '' }, events), ['create', 'cancel.start', 'update', 'cancel.end']);
  await checkTrail(t, house.client);
});

test('closing the stream of a cancel stops the watching, never the cancel', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'one', { holds: true });
  const { uuid } = await startPlan(house.client, 'rack down', [power('one', 'power off')]);
  await sim.untilReceived('off', 1, never());
  for await (const { actionPlan } of house.client.plans.cancelActionPlan({ actionPlan: uuid })) {
    t.is(actionPlan?.uuid, uuid);
    break;
  }
  await sim.configure({ holds: false });
  t.like(await untilPlanEnds(watchPlan(house.client, uuid)), { state: 'CANCELLED' });
  t.deepEqual(await actionStates(house.client, uuid), { one: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['off']);
});

test('a plan that is gone cannot be cancelled; its events stay', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const nop = { name: 'nothing', actionType: 'nop', inputParameters: {} };
  const { uuid } = await startPlan(client, 'short', [nop]);
  await untilPlanEnds(watchPlan(client, uuid));
  const late = cancelPlan(client, uuid);
  await refused(t, untilPlanEnds(late), {
    status: 'FAILED_PRECONDITION',
    code: 'ACTION_PLAN_STATE',
    says: /plan 'short' .* is SUCCEEDED; it cannot be cancelled; possible: delete it/,
  });
  await client.plans.deleteActionPlan({ actionPlan: uuid });
  const events = await checkPlanTrail(t, client);
  t.deepEqual(storyOf({ uuid }, events).slice(-2), ['update', 'delete']);
});

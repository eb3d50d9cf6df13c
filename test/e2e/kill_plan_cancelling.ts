/** SIGKILL around the cancel of a plan on real BMCs: no cancel is lost, nothing begins after it, nothing is sent twice. */
import type { ExecutionContext } from 'ava';
import { never } from '../counterparts/signals.ts';
import { untilNoSessionAt } from './killing.ts';
import { enrolSim, ordersAt } from './orders.ts';
import {
  actionStates,
  actionsNow,
  cancelPlan,
  power,
  startPlan,
  untilActionIn,
  untilPlanEnds,
  watchPlan,
} from './plans.ts';
import type { Moment, Scene } from './shared_kill.ts';

async function showFirstAnswer(t: ExecutionContext, { house, victim, turn, killed, started }: Scene): Promise<void> {
  const hangs = { softOffDelayS: 'never' } as const;
  const [one, two, three] = await Promise.all([
    enrolSim(t, house, 'one', hangs),
    enrolSim(t, house, 'two', hangs),
    enrolSim(t, house, 'three'),
  ]);
  const { uuid } = await startPlan(house.client, 'wrong rack down', [
    power('one', 'soft power off'),
    power('two', 'soft power off'),
    power('three', 'soft power off', 'one', 'two'),
  ]);
  await Promise.all([one.untilReceived('soft', 1, never()), two.untilReceived('soft', 1, never())]);
  await turn();
  const cancel = cancelPlan(house.client, uuid, 'wrong rack');
  const first = await cancel.until('the first answer', () => true);
  await killed();
  t.is(first.state, 'CANCELLING');
  if (victim.agentDies) await untilNoSessionAt(one, two);
  await started();

  const ended = await untilPlanEnds(watchPlan(house.client, uuid));
  t.like(ended, { state: 'CANCELLED', statusMessage: 'cancelled: wrong rack; actions: 3 cancelled' });
  const actions = await actionsNow(house.client, uuid);
  for (const name of ['one', 'two']) {
    t.is(actions[name]?.result?.abort_outcome, 'STOPPED_WAITING', name);
    t.deepEqual(actions[name]?.beforeImage, { power_state: 'power on' }, name);
  }
  t.deepEqual(await Promise.all([one, two, three].map(ordersAt)), [['soft'], ['soft'], []]);
  t.like(await untilPlanEnds(cancelPlan(house.client, uuid)), { state: 'CANCELLED' }, 'asking again joins');
}

/** Right after the first answer to a cancel. For the death of a conductor, which gives it. */
export const FIRST_ANSWER: Moment = {
  title: 'right after the first answer to a cancel',
  lasts: 'an instant',
  show: showFirstAnswer,
};

async function show(t: ExecutionContext, { house, victim, turn, killed, started }: Scene): Promise<void> {
  const [soft, hard, none] = await Promise.all([
    enrolSim(t, house, 'soft', { softOffDelayS: 'never' }),
    enrolSim(t, house, 'hard', { holds: true }),
    enrolSim(t, house, 'none'),
  ]);
  await turn();
  const { uuid } = await startPlan(house.client, 'cancelled rack down', [
    power('soft', 'soft power off'),
    power('hard', 'power off'),
    power('none', 'soft power off', 'hard'),
  ]);
  await Promise.all([soft.untilReceived('soft', 1, never()), hard.untilReceived('off', 1, never())]);
  const cancel = cancelPlan(house.client, uuid);
  // A hard order cannot be taken back once it may be on its way: the cancel waits for what comes of it.
  await untilActionIn(cancel, 'soft', 'CANCELLED');
  await untilActionIn(cancel, 'hard', 'CANCELLING');
  await killed();
  if (victim.agentDies) await untilNoSessionAt(soft, hard);
  await hard.configure({ holds: false });
  await started();

  t.like(await untilPlanEnds(watchPlan(house.client, uuid)), { state: 'CANCELLED' });
  const states = { soft: 'CANCELLED', hard: 'SUCCEEDED', none: 'CANCELLED' };
  t.deepEqual(await actionStates(house.client, uuid), states as never);
  t.deepEqual(await ordersAt(soft), ['soft']);
  t.deepEqual(await ordersAt(none), []);
  // Sending a power off twice is the same as sending it once, so after the death of its sender it may be repeated.
  t.deepEqual([...new Set(await ordersAt(hard))], ['off']);
  if (!victim.agentDies) t.is((await ordersAt(hard)).length, 1);
}

/** A plan whose cancel waits for an order that is on its way. */
export const PLAN_CANCELLING: Moment = { title: 'while a plan is CANCELLING', lasts: 'ten seconds', show };

/**
 * SIGKILL of each victim at each moment of orders and plans. The moments of a victim share its house, and its death; SENDING alone has its own:
 * a driver waits 6 s for a reading and 10 s for an order, and on a busy machine the others are not at their moments by that time.
 */
import test from 'ava';
import { openHouse } from './house.ts';
import { showAborting } from './kill_in_aborting.ts';
import { CONFIRMING, POWERING_ON } from './kill_in_confirming.ts';
import { SENDING, SENDING_TO_STOPPED } from './kill_in_sending.ts';
import { FIRST_ANSWER, PLAN_CANCELLING } from './kill_plan_cancelling.ts';
import { PLAN_RUNNING } from './kill_plan_running.ts';
import { overRedfish } from './kill_redfish.ts';
import { checkAll, houseFor, Listener, VICTIMS, type Victim } from './killing.ts';
import { checkPlanTrail, startPlan, untilActionIn, untilPlanEnds, watchPlan } from './plans.ts';
import { killOnce, type Moment } from './shared_kill.ts';

const EACH = [CONFIRMING, PLAN_RUNNING, PLAN_CANCELLING];

/** Over IPMI each victim meets each moment, beside SENDING. Over Redfish each meets one, and each moment both parts. */
function momentsOf({ part, apart }: Victim): readonly Moment[] {
  if (part === 'agent') return [...EACH, overRedfish('CONFIRMING')];
  const ofConductors = [...EACH, FIRST_ANSWER, overRedfish('SENDING')];
  return apart ? ofConductors : [...ofConductors, POWERING_ON, SENDING_TO_STOPPED];
}

for (const victim of VICTIMS) {
  const moments = momentsOf(victim);
  test(`SIGKILL of ${victim.title} in ${moments.map(({ title }) => title).join(', ')}; then in ABORTING`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const stage = { house, victim, listener: new Listener(house) };
    await killOnce(t, stage, moments);
    await checkAll(t, house, stage.listener);
    await showAborting(t, stage);
  });

  test(`SIGKILL of ${victim.title} in ${SENDING.title}`, async (t) => {
    const house = await openHouse(t, houseFor(victim));
    const stage = { house, victim, listener: new Listener(house) };
    await killOnce(t, stage, [SENDING]);
    await checkAll(t, house, stage.listener);
  });
}

test('a conductor that is killed again and again does each of many actions once', async (t) => {
  const house = await openHouse(t);
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

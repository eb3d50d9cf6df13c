/** SIGTERM: everything ends by itself, soon, and is carried on with after the next start. */
import test from 'ava';
import { never } from '../counterparts/signals.ts';
import { openHouse } from './house.ts';
import { speakersTo } from './killing.ts';
import {
  BY_IPMITOOL,
  enrolSim,
  order,
  ordersAt,
  subscribe,
  untilAtRest,
  untilIn,
  watchNode,
  watchTask,
} from './orders.ts';
import { untilAttached } from './processes.ts';
import { checkTrail } from './trail.ts';

test('a conductor that is told to stop ends its streams, its agent and what runs for it', async (t) => {
  const house = await openHouse(t);
  const hangs = await enrolSim(t, house, 'hangs', { softOffDelayS: 'never' });
  const held = await enrolSim(t, house, 'held', {}, BY_IPMITOOL);
  await held.configure({ holds: true });
  const [events, node] = [subscribe(house.client, 1), watchNode(house.client, 'hangs')];
  const confirming = order(house.client, 'hangs', 'SOFT_POWER_OFF');
  // What has not arrived when the conductor stops is not ended, but never begun.
  await events.until('an event', () => true);
  await node.until('the node', () => true);
  const sending = order(house.client, 'held', 'REBOOT');
  const tasks = await Promise.all([untilIn(confirming, 'CONFIRMING'), untilIn(sending, 'SENDING')]);
  await held.untilReceived('reset', 1, never());
  t.true((await speakersTo(held)).length > 0);

  const streams = [confirming, sending, events, node];
  house.conductor.signal('SIGTERM');
  t.is(await house.conductor.ended, 0);
  for (const stream of streams) {
    t.like(await stream.ended, { status: 'UNAVAILABLE', code: 'SHUTTING_DOWN' });
  }
  t.deepEqual([...(await speakersTo(held)), ...(await speakersTo(hangs))], []);

  await held.configure({ holds: false });
  await house.start('conductor');
  await hangs.setPower('power off');
  const [soft, hard] = await Promise.all(tasks.map(({ uuid }) => untilAtRest(watchTask(house.client, uuid))));
  t.like(soft, { state: 'SUCCEEDED' });
  // It may or may not have reached the BMC when it was torn off.
  t.like(hard, { state: 'FAILED', errorCode: 'OUTCOME_UNKNOWN' });
  t.deepEqual(await ordersAt(hangs), ['soft']);
  t.deepEqual(await ordersAt(held), ['reset']);
  await checkTrail(t, house.client);
});

test('an agent that is told to stop says farewell, and the next goes on at once; that one finds its conductor again, and stops without one', async (t) => {
  const house = await openHouse(t, { apart: true, settings: { agent_lease: 3600 } });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(watch, 'CONFIRMING');
  house.agent.signal('SIGTERM');
  t.is(await house.agent.ended, 0);
  t.deepEqual(await speakersTo(sim), []);

  await house.start('agent');
  await sim.setPower('power off');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['soft']);

  // That one finds its conductor again, and stops also while there is none.
  await house.kill('conductor');
  await house.start('conductor');
  await untilAttached(house.agent, 2);
  const other = await enrolSim(t, house, 'n2');
  t.is(await other.power(), 'power on');
  await house.kill('conductor');
  await house.agent.logged.until('the agent to miss it', (line) => line.includes('not attached'));
  house.agent.signal('SIGTERM');
  t.is(await house.agent.ended, 0);
});

/** Soft power offs and soft reboots on real BMCs, from a gRPC call to the hardware and back. */
import test from 'ava';
import { openHouse } from './house.ts';
import { enrolSim, nodeNow, order, statesOf, untilAtRest, untilIn, watchNode, watchTask } from './orders.ts';

test('a soft power off is streamed from the present state until it is at rest', async (t) => {
  const house = await openHouse(t);
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 2 });
  const nodes = watchNode(house.client, 'n1');
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF', { reason: 'rack work' });
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  const second = watchTask(house.client, uuid);

  const task = await untilAtRest(watch);
  t.like(task, { state: 'SUCCEEDED', beforePowerState: 'ON', observedPowerState: 'OFF', recall: 'STOP_WAITING_ONLY' });
  t.is(task.errorCode, undefined);
  t.is(await watch.ended, null);
  t.deepEqual(statesOf(watch), ['QUEUED', 'SENDING', 'CONFIRMING', 'SUCCEEDED']);
  await untilAtRest(second);
  t.deepEqual(statesOf(second), ['CONFIRMING', 'SUCCEEDED']);
  t.true(nodes.seen.some(({ heldBy, targetPowerState }) => heldBy === uuid && targetPowerState === 'SOFT_POWER_OFF'));
  t.like(await nodeNow(house.client, 'n1'), { powerState: 'OFF' });
  t.deepEqual(
    (await sim.received()).filter((command) => command !== 'status'),
    ['soft'],
  );
});

/** Soft orders on real BMCs, from a gRPC call to the hardware and back. */
import test from 'ava';
import { never } from '../counterparts/signals.ts';
import type { Client, Event } from './client.ts';
import { openHouse } from './house.ts';
import {
  enrolSim,
  nodeNow,
  order,
  ordersAt,
  powerStatesOf,
  refresh,
  statesOf,
  subscribe,
  untilAtRest,
  untilIn,
  watchNode,
  watchTask,
} from './orders.ts';
import { checkTrail } from './trail.ts';

/** Resolves with the event that tells of the late end of a task that was given up. */
function untilLate(client: Client, uuid: string): Promise<Event> {
  const isLate = ({ data }: Event): boolean => data.late_change_of === uuid;
  return subscribe(client).until('the late change', isLate);
}

test('a soft power off is streamed from the present state on until it is at rest', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const nodes = watchNode(house.client, 'n1');
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF', { reason: 'rack work' });
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  const second = watchTask(house.client, uuid);
  await untilIn(second, 'CONFIRMING');
  await sim.setPower('power off');

  const task = await untilAtRest(watch);
  t.like(task, { state: 'SUCCEEDED', beforePowerState: 'ON', observedPowerState: 'OFF', recall: 'STOP_WAITING_ONLY' });
  t.is(task.errorCode, undefined);
  t.is(await watch.ended, null);
  t.deepEqual(statesOf(watch), ['QUEUED', 'SENDING', 'CONFIRMING', 'SUCCEEDED']);
  await untilAtRest(second);
  t.deepEqual(statesOf(second), ['CONFIRMING', 'SUCCEEDED']);
  t.true(nodes.seen.some(({ heldBy, targetPowerState }) => heldBy === uuid && targetPowerState === 'SOFT_POWER_OFF'));
  const node = await nodeNow(house.client, 'n1');
  t.is(node.powerState, 'OFF');
  t.is(node.heldBy, undefined);
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

test('one that takes too long is aborted; its late end is recorded, and not reversed', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const nodes = watchNode(house.client, 'n1');
  const watch = order(house.client, 'n1', 'SOFT_POWER_OFF');
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  const abort = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF', { abortsTaskUuid: uuid }));

  t.like(abort, { state: 'SUCCEEDED', abortsTaskUuid: uuid, abort: { outcome: 'STOPPED_WAITING' } });
  const task = await untilAtRest(watch);
  t.like(task, { state: 'ABORTED', errorCode: 'TASK_ABORTED', abort: { outcome: 'STOPPED_WAITING' } });
  t.is(task.abort?.taskUuid, abort.uuid);
  t.truthy(task.mayStillChangeUntil);
  t.true(statesOf(watch).includes('ABORTING'));
  t.is((await refresh(house.client, 'n1')).powerState, 'ON');
  t.truthy((await nodeNow(house.client, 'n1')).mayStillChangeUntil);

  await sim.setPower('power off');
  const { data, type } = await untilLate(house.client, uuid);
  t.is(type, 'baremetal.node.power_state_corrected.success');
  t.like(data, { name: 'n1', from_power: 'power on', power_state: 'power off' });
  const node = await refresh(house.client, 'n1');
  t.is(node.powerState, 'OFF');
  t.is(node.mayStillChangeUntil, undefined);
  t.deepEqual(powerStatesOf(nodes), ['ON', 'ERROR', 'ON', 'OFF']);
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

test('one that times out fails; its late end is recorded, also after a SIGKILL, and not reversed', async (t) => {
  const house = await openHouse(t);
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const task = await untilAtRest(order(house.client, 'n1', 'SOFT_POWER_OFF', { timeout: 5, onTimeout: 'FAIL' }));
  t.like(task, { state: 'FAILED', errorCode: 'TIMED_OUT', observedPowerState: 'ON', timeout: 5 });
  t.regex(task.errorMessage ?? '', /n1 .*may still go down/);
  t.truthy(task.mayStillChangeUntil);

  await house.kill('conductor');
  await house.start('conductor');
  const nodes = watchNode(house.client, 'n1');
  t.is((await refresh(house.client, 'n1')).powerState, 'ON');
  await sim.setPower('power off');
  t.like((await untilLate(house.client, task.uuid)).data, { from_power: 'power on', power_state: 'power off' });
  t.is((await refresh(house.client, 'n1')).mayStillChangeUntil, undefined);
  t.deepEqual(powerStatesOf(nodes), ['ON', 'OFF']);
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

test('one that times out is forced, if the order says so', async (t) => {
  const house = await openHouse(t, { here: true });
  const off = await enrolSim(t, house, 'off', { softOffDelayS: 'never' });
  const again = await enrolSim(t, house, 'again', { softOffDelayS: 'never' });
  const forced = { timeout: 5, onTimeout: 'FORCE' } as const;
  const [softOff, softReboot] = await Promise.all([
    untilAtRest(order(house.client, 'off', 'SOFT_POWER_OFF', forced)),
    untilAtRest(order(house.client, 'again', 'SOFT_REBOOT', forced)),
  ]);
  t.like(softOff, { state: 'SUCCEEDED', phase: 'FORCED_DOWN', observedPowerState: 'OFF' });
  t.like(softReboot, { state: 'SUCCEEDED', phase: 'UP', observedPowerState: 'ON' });
  t.deepEqual(await ordersAt(off), ['soft', 'off']);
  t.deepEqual(await ordersAt(again), ['soft', 'off', 'on']);
  await checkTrail(t, house.client);
});

test('a soft reboot goes down, then up again; once down it is not aborted any more', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_REBOOT');
  await untilIn(watch, 'CONFIRMING');
  await sim.configure({ holds: true });
  await sim.setPower('power off');
  await sim.untilReceived('on', 1, never());
  t.is((await nodeNow(house.client, 'n1')).targetPowerState, 'ON');
  const abort = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_REBOOT'));
  t.like(abort, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });
  t.regex(abort.abort?.reason ?? '', /being powered on again/);
  await sim.configure({ holds: false });

  t.like(await untilAtRest(watch), { state: 'SUCCEEDED', observedPowerState: 'ON' });
  t.deepEqual(
    [...new Set(watch.seen.map(({ phase, state }) => `${phase} ${state}`))],
    ['DOWN QUEUED', 'DOWN SENDING', 'DOWN CONFIRMING', 'UP SENDING', 'UP CONFIRMING', 'UP SUCCEEDED'],
  );
  t.deepEqual(await ordersAt(sim), ['soft', 'on']);
  await checkTrail(t, house.client);
});

test('an aborted soft reboot never powers the node on', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const watch = order(house.client, 'n1', 'SOFT_REBOOT');
  const { uuid } = await untilIn(watch, 'CONFIRMING');
  const abort = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_REBOOT'));
  t.like(abort, { abort: { outcome: 'STOPPED_WAITING' } });
  await sim.setPower('power off');
  await untilLate(house.client, uuid);
  t.like(await refresh(house.client, 'n1'), { powerState: 'OFF' });
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

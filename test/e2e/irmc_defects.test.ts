/** The eight defects of the prototype that once was to bring abort into the field, each shown not to be here. */
import test, { type ExecutionContext } from 'ava';
import { type House, openHouse } from './house.ts';
import { commandsAt, enrolIrmc, SLOW_HOST, untilCommanded } from './irmc.ts';
import { order, refresh, untilAtRest, untilIn, watchTask } from './orders.ts';
import { checkTrail } from './trail.ts';

const SETTINGS = { settings: { recall_confirm: 0.2 } };

/** a, b: an abort that comes too late, or twice, is answered and harms nothing that comes later. */
async function lateOrTwice(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'ab');
  t.like(await untilAtRest(order(house.client, 'ab', 'SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
  const late = [1, 2, 3].map(() => untilAtRest(order(house.client, 'ab', 'ABORT_SOFT_POWER_OFF')));
  for (const abort of await Promise.all(late))
    t.like(abort, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });
  t.like(await untilAtRest(order(house.client, 'ab', 'ON')), { state: 'SUCCEEDED' });
  t.like(await untilAtRest(order(house.client, 'ab', 'SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff', 'PowerOnCabinet', 'RequestShutdownAndOff']);
}

/** c, d: an aborted soft reboot is recalled at the iRMC, and never powers the node on. */
async function neverPowersOn(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'cd', { host: SLOW_HOST });
  const soft = order(house.client, 'cd', 'SOFT_REBOOT');
  await untilIn(soft, 'CONFIRMING');
  const aborted = await untilAtRest(order(house.client, 'cd', 'ABORT_SOFT_REBOOT'));
  t.like(aborted, { abort: { outcome: 'RECALLED' } });
  tested.irmc.host.setPower('power off');
  t.like(await refresh(house.client, 'cd'), { powerState: 'OFF' });
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndReset', 'ShutdownRequestCancelled']);
  t.is(tested.irmc.host.power, 'power off');
}

/** e: an abort does not wait for the next poll. */
async function beforeTheNextPoll(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'e', { host: SLOW_HOST });
  const soft = order(house.client, 'e', 'SOFT_POWER_OFF');
  await untilIn(soft, 'CONFIRMING');
  const abort = order(house.client, 'e', 'ABORT_SOFT_POWER_OFF');
  // The answer to the poll before the recall is all that it waits for, and none is under way: they are seconds apart.
  await untilCommanded(tested, 'ShutdownRequestCancelled');
  t.like(await untilAtRest(abort), { abort: { outcome: 'RECALLED' } });
}

/** h: an abort of another kind aborts nothing. */
async function anotherKind(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'h', { host: SLOW_HOST });
  const soft = order(house.client, 'h', 'SOFT_POWER_OFF');
  await untilIn(soft, 'CONFIRMING');
  for (const target of ['ABORT_SOFT_REBOOT', 'ABORT_INJECT_NMI'] as const) {
    const other = await untilAtRest(order(house.client, 'h', target));
    t.like(other, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });
  }
  tested.irmc.host.setPower('power off');
  t.like(await untilAtRest(soft), { state: 'SUCCEEDED' });
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff']);
}

test('a, b, c, d, e and h, each at a node of its own', async (t) => {
  const house = await openHouse(t, { here: true, ...SETTINGS });
  await Promise.all([lateOrTwice, neverPowersOn, beforeTheNextPoll, anotherKind].map((show) => show(t, house)));
  await checkTrail(t, house.client);
});

test('f: an abort works through another process than the one that gave the order; g: who aborted, why, and what the iRMC said is recorded', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const [f] = await Promise.all(['f', 'g'].map((name) => enrolIrmc(t, house, name, { host: SLOW_HOST })));
  const soft = (name: string) => untilIn(order(house.client, name, 'SOFT_POWER_OFF'), 'CONFIRMING');
  const [given, recorded] = await Promise.all([soft('f'), soft('g')]);
  const requested = { requestId: 'a-1', reason: 'wrong rack, says Ada' };
  await untilAtRest(order(house.client, 'g', 'ABORT_SOFT_POWER_OFF', requested));

  await house.kill('conductor');
  await house.start('conductor');
  const aborted = await untilAtRest(order(house.client, 'f', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.like(await untilAtRest(watchTask(house.client, given.uuid)), { state: 'ABORTED' });
  t.deepEqual(f && commandsAt(f), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);

  const kept = await untilAtRest(watchTask(house.client, 'a-1'));
  t.like(kept, { reason: requested.reason, abortsTaskUuid: recorded.uuid, abort: { outcome: 'RECALLED' } });
  t.truthy(kept.abort?.reason);
  await checkTrail(t, house.client);
});

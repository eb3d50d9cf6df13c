/** An order that was given up after its timeout is still taken back, where the hardware can. */
import test, { type ExecutionContext } from 'ava';
import { type House, openHouse } from './house.ts';
import { commandsAt, enrolIrmc, SLOW_HOST, untilCommanded } from './irmc.ts';
import { nodeNow, order, refresh, untilAtRest } from './orders.ts';
import { checkTrail } from './trail.ts';

async function takenBack(
  t: ExecutionContext,
  house: House,
  [target, abort, command]: readonly [
    target: 'SOFT_POWER_OFF' | 'SOFT_REBOOT',
    abort: 'ABORT_SOFT_POWER_OFF' | 'ABORT_SOFT_REBOOT',
    command: string,
  ],
): Promise<void> {
  const { client } = house;
  const name = target.toLowerCase();
  const tested = await enrolIrmc(t, house, name, { host: SLOW_HOST });
  const given = await untilAtRest(order(client, name, target, { timeout: 1 }));
  t.like(given, { state: 'FAILED', errorCode: 'TIMED_OUT' });
  t.truthy((await nodeNow(client, name)).mayStillChangeUntil);
  const aborted = await untilAtRest(order(client, name, abort, { reason: 'wrong rack' }));
  t.like(aborted, { state: 'SUCCEEDED', abortsTaskUuid: given.uuid, abort: { outcome: 'RECALLED' } });
  t.deepEqual(commandsAt(tested) as string[], [command, 'ShutdownRequestCancelled']);
  await refresh(client, name);
  const node = await nodeNow(client, name);
  t.is(node.powerState, 'ON');
  t.is(node.mayStillChangeUntil, undefined);
  t.is(tested.irmc.host.boot, 'os-running');
}

test('SOFT_POWER_OFF and SOFT_REBOOT with --timeout 1, then their aborts: the iRMC takes each back', async (t) => {
  const house = await openHouse(t, { here: true, settings: { recall_confirm: 0.5 } });
  await Promise.all([
    takenBack(t, house, ['SOFT_POWER_OFF', 'ABORT_SOFT_POWER_OFF', 'RequestShutdownAndOff']),
    takenBack(t, house, ['SOFT_REBOOT', 'ABORT_SOFT_REBOOT', 'RequestShutdownAndReset']),
  ]);
  await checkTrail(t, house.client);
});

test('SIGKILL of the conductor while it is taken back: it is taken back all the same', async (t) => {
  const house = await openHouse(t, { apart: true, settings: { recall_confirm: 5 } });
  const tested = await enrolIrmc(t, house, 'n1', { host: SLOW_HOST });
  await untilAtRest(order(house.client, 'n1', 'SOFT_POWER_OFF', { timeout: 1 }));
  const requestId = 'the-late-abort';
  order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF', { requestId });
  await untilCommanded(tested, 'ShutdownRequestCancelled');
  await house.kill('conductor');
  await house.start('conductor');
  // The same request_id is the same abort.
  const ended = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF', { requestId }));
  t.like(ended, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.is(tested.irmc.host.boot, 'os-running');
  t.is((await nodeNow(house.client, 'n1')).mayStillChangeUntil, undefined);
});

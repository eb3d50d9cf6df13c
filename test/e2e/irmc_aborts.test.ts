/** The abort table on hardware that can take an order back: every outcome, and what the node is afterwards. */
import test, { type ExecutionContext } from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { type House, openHouse } from './house.ts';
import { commandsAt, enrolIrmc, SLOW_HOST, untilCommanded } from './irmc.ts';
import { nodeNow, order, refresh, untilAtRest, untilIn, watchTask } from './orders.ts';
import { checkTrail } from './trail.ts';

const SETTINGS = { here: true, settings: { recall_confirm: 0.5 } };

/** A graceful shutdown is taken back, and the host goes on running. */
async function recalled(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'n1', { host: SLOW_HOST });
  for (const [target, abort, command] of [
    ['SOFT_POWER_OFF', 'ABORT_SOFT_POWER_OFF', 'RequestShutdownAndOff'],
    ['SOFT_REBOOT', 'ABORT_SOFT_REBOOT', 'RequestShutdownAndReset'],
  ] as const) {
    tested.irmc.received.length = 0;
    const soft = order(house.client, 'n1', target);
    await untilIn(soft, 'CONFIRMING');
    const aborted = await untilAtRest(order(house.client, 'n1', abort, { reason: 'wrong rack' }));
    t.like(aborted, { state: 'SUCCEEDED', reason: 'wrong rack', abort: { outcome: 'RECALLED' } });
    t.regex(aborted.abort?.reason ?? '', /took the order back and the host goes on running/);
    t.like(await untilAtRest(soft), { state: 'ABORTED' });
    t.deepEqual(commandsAt(tested), [command, 'ShutdownRequestCancelled']);
    t.is(tested.irmc.host.boot, 'os-running');
  }
  await refresh(house.client, 'n1');
  t.like(await nodeNow(house.client, 'n1'), { powerState: 'ON' });
  t.is(tested.irmc.host.boots, 0);
}

/** An order whose answer is lost is recalled behind it, and never sent again. */
async function recalledInDoubt(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'n2', { host: SLOW_HOST });
  tested.irmc.faults = { ...tested.irmc.faults, scci: 'resets' };
  const soft = order(house.client, 'n2', 'SOFT_POWER_OFF');
  const { uuid } = await untilIn(soft, 'CONFIRMING');
  tested.irmc.faults = { ...tested.irmc.faults, scci: 'none' };
  const aborted = await untilAtRest(order(house.client, 'n2', 'ABORT_SOFT_POWER_OFF', { abortsTaskUuid: uuid }));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.like(await untilAtRest(watchTask(house.client, uuid)), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);
}

/** The host is on its way down, and the iRMC says why the recall comes too late. */
async function failed(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'n3', { host: { pendingMs: 0, softMs: 600_000 } });
  const soft = order(house.client, 'n3', 'SOFT_POWER_OFF');
  await untilIn(soft, 'CONFIRMING');
  const aborted = await untilAtRest(order(house.client, 'n3', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'FAILED', abort: { outcome: 'FAILED' } });
  t.regex(aborted.abort?.reason ?? '', /recall was refused: the iRMC .* says: ServerView Agent not connected/);
  t.like(await untilAtRest(soft), { state: 'ABORTED' });
  // It goes down all the same, and it is not powered on again.
  tested.irmc.host.setPower('power off');
  await eventually('the node to be seen off', async () => (await nodeNow(house.client, 'n3')).powerState === 'OFF');
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);
}

/** An NMI cannot be recalled, and the abort says so. */
async function stoppedWaiting(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'n4', { host: { selfTestMs: 600_000 } });
  const nmi = order(house.client, 'n4', 'INJECT_NMI');
  await untilIn(nmi, 'CONFIRMING');
  const aborted = await untilAtRest(order(house.client, 'n4', 'ABORT_INJECT_NMI'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'STOPPED_WAITING' } });
  t.regex(aborted.abort?.reason ?? '', /driver irmc has no way to recall the inject nmi of this node/);
  t.like(await untilAtRest(nmi), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), ['RaiseNMI']);
}

/** An order that has not reached the iRMC never does. */
async function notSent(t: ExecutionContext, house: House): Promise<void> {
  const tested = await enrolIrmc(t, house, 'n5', { host: SLOW_HOST });
  tested.irmc.faults = { ...tested.irmc.faults, snmp: 'silent', ipmi: 'silent', redfish: 'stalls' };
  const soft = order(house.client, 'n5', 'SOFT_POWER_OFF');
  await untilIn(soft, 'QUEUED');
  const aborted = await untilAtRest(order(house.client, 'n5', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'NOT_SENT' } });
  t.like(await untilAtRest(soft), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), []);
}

test('RECALLED, FAILED, STOPPED_WAITING and NOT_SENT, each at a node of its own', async (t) => {
  const house = await openHouse(t, SETTINGS);
  await Promise.all([recalled, recalledInDoubt, failed, stoppedWaiting, notSent].map((come) => come(t, house)));
  await checkTrail(t, house.client);
});

test('without the ServerView agent no graceful order is sent, and the refusal says why', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const tested = await enrolIrmc(t, house, 'n1', { host: SLOW_HOST, faults: { agentMissing: true } });
  const answer = await house.client.nodes.getSupportedPowerStates({ node: 'n1' });
  t.deepEqual(
    answer.supportedPowerStates.map(({ powerState }) => powerState),
    ['power on', 'power off', 'rebooting', 'inject nmi', 'abort inject nmi'],
  );
  t.regex(answer.reason, /ServerView agent of the node is not connected/);
  t.truthy(answer.probedAt);
  for (const target of ['SOFT_POWER_OFF', 'SOFT_REBOOT'] as const) {
    const refused = await untilAtRest(order(house.client, 'n1', target));
    t.like(refused, { state: 'FAILED', errorCode: 'TARGET_NOT_SUPPORTED' });
    t.regex(refused.errorMessage ?? '', /ServerView agent of the node is not connected; it supports power on/);
  }
  t.deepEqual(commandsAt(tested), []);
  // An abort is never refused because no agent is there.
  const aborted = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });

  // A node that is off needs no agent to be off, or to be started.
  tested.irmc.host.setPower('power off');
  t.like(await untilAtRest(order(house.client, 'n1', 'SOFT_POWER_OFF')), { state: 'SUCCEEDED' });
  t.like(await untilAtRest(order(house.client, 'n1', 'INJECT_NMI')), { state: 'FAILED', errorCode: 'NMI_NEEDS_POWER' });
  t.like(await untilAtRest(order(house.client, 'n1', 'SOFT_REBOOT')), { state: 'SUCCEEDED' });
  t.deepEqual(commandsAt(tested), ['PowerOnCabinet']);
  await untilCommanded(tested, 'PowerOnCabinet');
});

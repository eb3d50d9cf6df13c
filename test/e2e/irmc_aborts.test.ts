/** The abort table on hardware that can take an order back: every outcome, and what the node is afterwards. */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { openHouse } from './house.ts';
import { commandsAt, enrolIrmc, SLOW_HOST, untilCommanded } from './irmc.ts';
import { nodeNow, order, refresh, untilAtRest, untilIn, watchTask } from './orders.ts';
import { checkTrail } from './trail.ts';

const SETTINGS = { settings: { recall_confirm: 0.5, soft_power_off_timeout: 60 } };

test('RECALLED: a graceful shutdown is taken back, and the host goes on running', async (t) => {
  const house = await openHouse(t, SETTINGS);
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
  await checkTrail(t, house.client);
});

test('FAILED: the host is on its way down, and the iRMC says why the recall comes too late', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const tested = await enrolIrmc(t, house, 'n1', { host: { pendingMs: 0, softMs: 60_000 } });
  const soft = order(house.client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(soft, 'CONFIRMING');
  const aborted = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'FAILED', abort: { outcome: 'FAILED' } });
  t.regex(aborted.abort?.reason ?? '', /recall was refused: the iRMC .* says: ServerView Agent not connected/);
  t.like(await untilAtRest(soft), { state: 'ABORTED' });
  // It goes down all the same, and nobody powers it on again.
  tested.irmc.host.setPower('power off');
  await eventually('the node to be seen off', async () => (await nodeNow(house.client, 'n1')).powerState === 'OFF');
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);
});

test('STOPPED_WAITING: an NMI cannot be recalled, and the abort says so', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const tested = await enrolIrmc(t, house, 'n1', { host: { selfTestMs: 60_000 } });
  const nmi = order(house.client, 'n1', 'INJECT_NMI');
  await untilIn(nmi, 'CONFIRMING');
  const aborted = await untilAtRest(order(house.client, 'n1', 'ABORT_INJECT_NMI'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'STOPPED_WAITING' } });
  t.regex(aborted.abort?.reason ?? '', /driver irmc has no way to recall inject nmi/);
  t.like(await untilAtRest(nmi), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), ['RaiseNMI']);
});

test('NOT_SENT: an order that has not reached the iRMC never does', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const tested = await enrolIrmc(t, house, 'n1', { host: SLOW_HOST });
  tested.irmc.faults = { ...tested.irmc.faults, snmp: 'silent', ipmi: 'silent', redfish: 'stalls' };
  const soft = order(house.client, 'n1', 'SOFT_POWER_OFF');
  await untilIn(soft, 'QUEUED');
  const aborted = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF'));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'NOT_SENT' } });
  t.like(await untilAtRest(soft), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), []);
});

test('an order whose answer is lost is recalled behind it, and never sent again', async (t) => {
  const house = await openHouse(t, SETTINGS);
  const tested = await enrolIrmc(t, house, 'n1', { host: SLOW_HOST });
  tested.irmc.faults = { ...tested.irmc.faults, scci: 'resets' };
  const soft = order(house.client, 'n1', 'SOFT_POWER_OFF');
  const { uuid } = await untilIn(soft, 'CONFIRMING');
  tested.irmc.faults = { ...tested.irmc.faults, scci: 'none' };
  const aborted = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF', { abortsTaskUuid: uuid }));
  t.like(aborted, { state: 'SUCCEEDED', abort: { outcome: 'RECALLED' } });
  t.like(await untilAtRest(watchTask(house.client, uuid)), { state: 'ABORTED' });
  t.deepEqual(commandsAt(tested), ['RequestShutdownAndOff', 'ShutdownRequestCancelled']);
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
  // An abort is never refused for want of an agent.
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

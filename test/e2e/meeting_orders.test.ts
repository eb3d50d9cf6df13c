/** Orders that meet: a held node, the same order twice, two aborts at once, an order that was not sent yet. */
import test from 'ava';
import { type OrderTarget, TARGET_TABLE, type Target, type TargetName } from '../../src/core/power.ts';
import { OnTimeout, PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { allEvents, allTasks, plainTask } from './client.ts';
import { openHouse } from './house.ts';
import { commandsAt, enrolIrmc } from './irmc.ts';
import { enrol, enrolSim, nodeNow, order, ordersAt, refresh, untilAtRest, untilIn, watchTask } from './orders.ts';
import { refused } from './refusals.ts';
import { checkTrail } from './trail.ts';

test('an order for a held node is refused; the answer names the holder and what is possible', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const { uuid } = await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const events = await allEvents(house.client);
  for (const target of ['ON', 'OFF', 'REBOOT', 'SOFT_REBOOT', 'SOFT_POWER_OFF', 'INJECT_NMI'] as const) {
    const second = untilAtRest(order(house.client, 'n1', target));
    const holder = `n1 is held by power task ${uuid}, soft power off CONFIRMING .*; possible: abort soft power off$`;
    await refused(t, second, { status: 'FAILED_PRECONDITION', code: 'NODE_HELD', says: new RegExp(holder) });
  }
  t.deepEqual(await allEvents(house.client), events);
  t.is((await allTasks(house.client)).length, 1);
  t.deepEqual(await ordersAt(sim), ['soft']);
});

test('the same request_id is one order, also at the same time and after a restart', async (t) => {
  const house = await openHouse(t);
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const body = { requestId: 'r-1', timeout: 300, reason: 'rack work' };
  const watches = Array.from({ length: 5 }, () => order(house.client, 'n1', 'SOFT_POWER_OFF', body));
  const tasks = await Promise.all(watches.map((watch) => untilIn(watch, 'CONFIRMING')));
  const [uuid = '', ...others] = new Set(tasks.map((task) => task.uuid));
  t.deepEqual(others, []);

  const otherwise = untilAtRest(order(house.client, 'n1', 'SOFT_POWER_OFF', { ...body, timeout: 301 }));
  await refused(t, otherwise, {
    status: 'ALREADY_EXISTS',
    code: 'REQUEST_ID_TAKEN',
    says: /'r-1' was used for a soft power off of n1/,
  });

  await house.kill('conductor');
  await house.start('conductor');
  const again = order(house.client, 'n1', 'SOFT_POWER_OFF', body);
  t.is((await untilIn(again, 'CONFIRMING')).uuid, uuid);
  await sim.setPower('power off');
  t.like(await untilAtRest(again), { state: 'SUCCEEDED' });
  t.is((await untilAtRest(order(house.client, 'n1', 'SOFT_POWER_OFF', body))).uuid, uuid);
  t.is((await untilAtRest(watchTask(house.client, 'r-1'))).uuid, uuid);
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

test('of two aborts at the same time one takes the order back, and the other finds nothing to abort', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const { uuid } = await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const other = await untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF', { abortsTaskUuid: 'another' }));
  t.like(other, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });
  t.regex(other.abort?.reason ?? '', new RegExp(`held by power task ${uuid}, not by another`));

  const aborts = Array.from({ length: 4 }, () => untilAtRest(order(house.client, 'n1', 'ABORT_SOFT_POWER_OFF')));
  const ended = await Promise.all(aborts);
  const outcomes = ended.map(({ abort }) => abort?.outcome).sort();
  t.deepEqual(outcomes, ['NOTHING_TO_ABORT', 'NOTHING_TO_ABORT', 'NOTHING_TO_ABORT', 'STOPPED_WAITING']);
  for (const { state } of ended) t.is(state, 'SUCCEEDED');
  t.like(await untilAtRest(watchTask(house.client, uuid)), { state: 'ABORTED' });
  t.deepEqual(await ordersAt(sim), ['soft']);
  await checkTrail(t, house.client);
});

test('an order that waits for its BMC can be withdrawn, or aborted: it is never sent', async (t) => {
  const house = await openHouse(t, { here: true });
  const withdrawn = await enrolIrmc(t, house, 'withdrawn');
  const aborted = await enrolIrmc(t, house, 'aborted');
  // Each is read before its order is sent, and that takes as long as irmc_client_timeout says.
  const healthy = withdrawn.irmc.faults;
  for (const { irmc } of [withdrawn, aborted])
    irmc.faults = { ...healthy, snmp: 'silent', ipmi: 'silent', redfish: 'stalls' };
  const hard = await untilIn(order(house.client, 'withdrawn', 'REBOOT'), 'QUEUED');
  const soft = order(house.client, 'aborted', 'SOFT_POWER_OFF');
  await untilIn(soft, 'QUEUED');

  const answer = plainTask(await house.client.power.withdrawPowerTask({ task: hard.uuid, reason: 'second thoughts' }));
  t.like(answer, { state: 'ABORTED', abort: { outcome: 'NOT_SENT' } });
  t.regex(answer.abort?.reason ?? '', /second thoughts/);
  const abort = await untilAtRest(order(house.client, 'aborted', 'ABORT_SOFT_POWER_OFF'));
  t.like(abort, { state: 'SUCCEEDED', abort: { outcome: 'NOT_SENT' } });
  t.like(await untilAtRest(soft), { state: 'ABORTED', abort: { outcome: 'NOT_SENT' } });
  const again = house.client.power.withdrawPowerTask({ task: hard.uuid });
  await refused(t, again, {
    status: 'FAILED_PRECONDITION',
    code: 'NOT_WITHDRAWABLE',
    says: /is ABORTED; only a QUEUED task can be withdrawn/,
  });

  for (const { irmc } of [withdrawn, aborted]) irmc.faults = healthy;
  // What waited for its turn at these BMCs would have gone before these readings.
  for (const name of ['withdrawn', 'aborted']) t.is((await refresh(house.client, name)).powerState, 'ON');
  t.deepEqual(commandsAt(withdrawn), []);
  t.deepEqual(commandsAt(aborted), []);
  await checkTrail(t, house.client);
});

const CAN: readonly OrderTarget[] = [
  'power on',
  'power off',
  'rebooting',
  'soft rebooting',
  'soft power off',
  'inject nmi',
];
const nameOf = (target: Target): TargetName => TARGET_TABLE[target].name;

test('all nine targets go through the same call', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'real');
  await enrol(house.client, 'fake', 'fake', { fake_address: 'f1' });
  const aborts = ['ABORT_SOFT_REBOOT', 'ABORT_SOFT_POWER_OFF', 'ABORT_INJECT_NMI'] as const;
  for (const name of ['real', 'fake']) {
    for (const target of CAN) {
      if (target !== 'power on') await untilAtRest(order(house.client, name, 'ON'));
      const task = await untilAtRest(order(house.client, name, nameOf(target)));
      // ipmi_sim refuses an NMI: the refusal is passed on as it is.
      const refusal = { state: 'FAILED', errorCode: 'BMC_REFUSED' } as const;
      const isNmi = name === 'real' && target === 'inject nmi';
      t.like(task, isNmi ? refusal : { state: 'SUCCEEDED' }, `${target} of ${name}: ${task.errorMessage}`);
    }
    for (const target of aborts) {
      if (name === 'real' && target === 'ABORT_INJECT_NMI') continue;
      const abort = await untilAtRest(order(house.client, name, target));
      t.like(abort, { state: 'SUCCEEDED', abort: { outcome: 'NOTHING_TO_ABORT' } });
    }
  }
  const unsupported = untilAtRest(order(house.client, 'real', 'ABORT_INJECT_NMI'));
  const can = /driver ipmi of node real cannot do abort inject nmi; it can do on, off, reboot/;
  await refused(t, unsupported, { status: 'FAILED_PRECONDITION', code: 'TARGET_NOT_SUPPORTED', says: can });
  t.deepEqual(
    (await ordersAt(sim)).filter((command) => command !== 'on'),
    ['off', 'reset', 'soft', 'soft'],
  );
  await checkTrail(t, house.client);
});

test('what is already so is not ordered again', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { power: 'power off' });
  for (const target of ['OFF', 'SOFT_POWER_OFF'] as const) {
    const task = await untilAtRest(order(house.client, 'n1', target));
    t.like(task, { state: 'SUCCEEDED', beforePowerState: 'OFF' });
    t.regex(task.message ?? '', /already power off; nothing was sent/);
  }
  const nmi = await untilAtRest(order(house.client, 'n1', 'INJECT_NMI'));
  t.like(nmi, { state: 'FAILED', errorCode: 'NMI_NEEDS_POWER' });
  t.deepEqual(await ordersAt(sim), []);
  t.like(await untilAtRest(order(house.client, 'n1', 'REBOOT')), { state: 'SUCCEEDED', observedPowerState: 'ON' });
  t.deepEqual(await ordersAt(sim), ['on']);
});

test('closing the stream stops the watching, never the work', async (t) => {
  const house = await openHouse(t, { here: true });
  const sim = await enrolSim(t, house, 'n1', { softOffDelayS: 'never' });
  const closed = new AbortController();
  const { power } = house.client;
  const request = { node: 'n1', target: PowerTarget.SOFT_POWER_OFF, requestId: 'r-1', onTimeout: OnTimeout.FAIL };
  const stream = power.setPowerState(request, { signal: closed.signal });
  await stream[Symbol.asyncIterator]().next();
  closed.abort();

  const watch = watchTask(house.client, 'r-1');
  await untilIn(watch, 'CONFIRMING');
  t.is((await nodeNow(house.client, 'n1')).heldBy, watch.seen[0]?.uuid);
  await sim.setPower('power off');
  t.like(await untilAtRest(watch), { state: 'SUCCEEDED' });
  t.deepEqual(await ordersAt(sim), ['soft']);
});

/** `countermand abort`: whatever order is under way at nodes is ended, and the exit code says how far. */
import test, { type ExecutionContext } from 'ava';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { type House, openHouse } from './house.ts';
import { enrol, order, untilAtRest, untilIn } from './orders.ts';
import { power, startPlan, untilActionIn, watchPlan } from './plans.ts';
import { runHere } from './processes.ts';

const countermand = ({ address }: House, ...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: address });

async function openRack(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  for (const name of ['n1', 'n2', 'n3'])
    await enrol(house.client, name, 'fake', { fake_address: name, fake_soft_ms: 'never' });
  // Over IPMI no order can be taken back.
  const { info } = await newSimBmc(t, { host: { softMs: Number.POSITIVE_INFINITY } });
  await enrol(house.client, 'deaf', 'ipmi', info);
  return house;
}

test('each kind of order is aborted without naming it; a node without any is no failure among others', async (t) => {
  const house = await openRack(t);
  const orders = [order(house.client, 'n1', 'SOFT_POWER_OFF'), order(house.client, 'n2', 'SOFT_REBOOT')];
  await Promise.all(orders.map((watch) => untilIn(watch, 'CONFIRMING')));
  const { exitCode, stdout, stderr } = await countermand(house, 'abort', 'n[1-3]', '--reason', 'wrong rack');
  t.is(exitCode, 0, stderr);
  t.regex(stdout, /^n1: abort soft power off RECALLED after/m);
  t.regex(stdout, /^n2: abort soft rebooting RECALLED after/m);
  t.regex(stdout, /^n3: no order is under way; nothing happened$/m);
  for (const watch of orders) t.like(await untilAtRest(watch), { state: 'ABORTED' });
});

test('the exit code tells outcomes apart', async (t) => {
  const house = await openRack(t);
  const nothing = await countermand(house, 'abort', 'n1', 'n2');
  t.is(nothing.exitCode, 11);
  t.regex(nothing.stderr, /^error: 2 of 2 nodes were not aborted: n1, n2; n1: no order is under way/);
  t.is((await countermand(house, 'node', 'power', 'n1', 'abort_soft_off')).exitCode, 11);
  // The one failure of one node is told once.
  const one = await countermand(house, 'abort', 'n1');
  t.is(one.stdout, '');
  t.regex(one.stderr, /^error: n1: no order is under way; nothing happened$/);

  await untilIn(order(house.client, 'deaf', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const stopped = await countermand(house, 'abort', 'deaf,n1');
  t.is(stopped.exitCode, 10, stopped.stdout + stopped.stderr);
  t.regex(stopped.stdout, /^deaf: abort soft power off STOPPED_WAITING after/m);
  t.regex(stopped.stderr, /^error: 1 of 2 nodes were not aborted: deaf; deaf: the order was sent and may still take/);
  // It can be given up only once.
  t.is((await countermand(house, 'abort', 'deaf')).exitCode, 11);

  await untilIn(order(house.client, 'n3', 'SOFT_POWER_OFF'), 'CONFIRMING');
  t.is((await countermand(house, 'node', 'power', 'n3', 'abort_soft_off')).exitCode, 0);
  t.is((await countermand(house, 'abort', 'n4')).exitCode, 3);

  await untilIn(order(house.client, 'n2', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const accepted = await countermand(house, 'abort', 'n2', '--no-wait');
  t.regex(accepted.stdout, /^n2: abort soft power off accepted as power task \w{8}$/m);
  t.is(accepted.exitCode, 0);
});

test('an order that cannot be aborted counts beside others that were, also if it is being aborted or was given up', async (t) => {
  const house = await openRack(t);
  const slow = { fake_address: 'hard', fake_power_state: 'off', fake_powering_ms: '3600000' };
  await enrol(house.client, 'hard', 'fake', slow);
  await untilIn(order(house.client, 'hard', 'ON'), 'CONFIRMING');
  await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const any = await countermand(house, 'abort', 'hard,n[1-3]');
  t.is(any.exitCode, 11, any.stdout + any.stderr);
  t.regex(any.stdout, /^n1: abort soft power off RECALLED after/m);
  t.regex(any.stdout, /^hard: power on .*; it cannot be aborted once sent$/m);
  t.regex(any.stderr, /^error: 1 of 4 nodes were not aborted: hard; hard: power on/);

  await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const named = await countermand(house, 'node', 'power', 'hard,n[1-3]', 'abort_soft_off');
  t.is(named.exitCode, 11, named.stdout + named.stderr);
  t.regex(named.stderr, /^error: 1 of 4 nodes were not aborted: hard; /);
  await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  t.is((await countermand(house, 'node', 'power', 'n[1-3]', 'abort_soft_off')).exitCode, 0);

  await untilIn(order(house.client, 'deaf', 'SOFT_POWER_OFF'), 'CONFIRMING');
  t.is((await countermand(house, 'abort', 'deaf')).exitCode, 10);
  await untilIn(order(house.client, 'n1', 'SOFT_POWER_OFF'), 'CONFIRMING');
  const again = await countermand(house, 'abort', 'deaf,n[1-3]');
  t.is(again.exitCode, 11, again.stdout + again.stderr);
  t.regex(again.stderr, /^error: 1 of 4 nodes were not aborted: deaf; /);
});

test('an order of a plan is aborted, and the plan that goes on is named', async (t) => {
  const house = await openRack(t);
  const { uuid } = await startPlan(house.client, 'rack down', [power('n1', 'soft power off')]);
  await untilActionIn(watchPlan(house.client, uuid), 'n1', 'ONGOING');
  const { stdout } = await countermand(house, 'abort', 'n1');
  const short = uuid.slice(0, 8);
  t.regex(stdout, new RegExp(`^n1: ordered by plan ${short}, which goes on; .*countermand plan cancel ${short}\n`));
  t.regex(stdout, /^n1: (abort )?soft power off (RECALLED|ABORTED)/m);
});

test('a cancelled plan of which an order could only be given up is told from one that was taken back', async (t) => {
  const house = await openRack(t);
  for (const [node, exitCode] of [
    ['n2', 0],
    ['deaf', 10],
  ] as const) {
    const { uuid } = await startPlan(house.client, `${node} down`, [power(node, 'soft power off')]);
    await untilActionIn(watchPlan(house.client, uuid), node, 'ONGOING');
    await untilHeld(house, node);
    const cancelled = await countermand(house, 'plan', 'cancel', uuid);
    t.is(cancelled.exitCode, exitCode, cancelled.stdout + cancelled.stderr);
    if (exitCode !== 0)
      t.regex(cancelled.stderr, /plan 'deaf down' CANCELLED; 1 of its orders were sent and may still/);
  }
});

/** Resolves when the order of a node has been sent. */
async function untilHeld(house: House, node: string): Promise<void> {
  const { tasks } = await house.client.power.listPowerTasks({ node, unsettled: true });
  for await (const { task } of house.client.power.watchPowerTask({ task: tasks[0]?.uuid ?? '' }))
    if (task?.sendingAt !== undefined && task.observedPowerState !== 0) return;
}
